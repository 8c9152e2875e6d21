/// The head of a request that passed every check of RFC 9110 and 9112. An object, as it is handed through many calls.
public final class RequestHead: Sendable {
    /// The method.
    public let method: HTTPMethod
    /// The request target as sent, in any of its four forms.
    public let target: String
    /// The target's path, without the query and exactly as sent: nothing is decoded and no dot segments are removed.
    ///
    /// `*` for `OPTIONS *`, empty for CONNECT, `/` for an absolute form without a path.
    public let path: String
    /// What follows the first `?` of the target, possibly empty; nil without one.
    public let query: String?
    /// The version.
    public let version: HTTPVersion
    /// All fields, including those that the codec has acted upon.
    public let fields: HTTPFields
    /// How long the body is.
    public let framing: BodyFraming
    /// Whether the client allows another request on this connection.
    public let keepAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends its body.
    public let expectsContinue: Bool
    /// The authority in an absolute-form or CONNECT target, which overrules the Host field (RFC 9112 section 3.2.2).
    let authority: String?

    init(
        method: HTTPMethod,
        target: (whole: String, path: String, query: String?, authority: String?),
        version: HTTPVersion,
        fields: HTTPFields,
        framing: BodyFraming,
        keepAlive: Bool,
        expectsContinue: Bool
    ) {
        self.method = method
        self.target = target.whole
        path = target.path
        query = target.query
        authority = target.authority
        self.version = version
        self.fields = fields
        self.framing = framing
        self.keepAlive = keepAlive
        self.expectsContinue = expectsContinue
    }

    /// A head that says the same but has no fields.
    init(withoutFieldsOf head: RequestHead) {
        method = head.method
        target = head.target
        path = head.path
        query = head.query
        authority = head.authority
        version = head.version
        fields = HTTPFields()
        framing = head.framing
        keepAlive = head.keepAlive
        expectsContinue = head.expectsContinue
    }

    /// Host and port the request was meant for, as sent: from the target, else from the Host field.
    public var host: String? {
        let host = authority ?? fields["host"]
        return host == "" ? nil : host
    }
}
