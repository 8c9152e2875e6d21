/// The head of a response that passed every check of RFC 9110 and 9112. An object, as it is handed through many calls.
public final class ResponseHead: Sendable {
    /// The version.
    public let version: HTTPVersion
    /// The status, 100 to 599.
    public let status: Int
    /// The reason phrase, often empty.
    public let reason: String
    /// All fields, including those that the codec has acted upon.
    public let fields: HTTPFields
    /// How long the body is.
    public let framing: BodyFraming
    /// Whether another request may be sent on this connection after this response.
    public let keepAlive: Bool

    init(
        version: HTTPVersion,
        status: Int,
        reason: String,
        fields: HTTPFields,
        framing: BodyFraming,
        keepAlive: Bool
    ) {
        self.version = version
        self.status = status
        self.reason = reason
        self.fields = fields
        self.framing = framing
        self.keepAlive = keepAlive
    }

    /// A head that says the same but has no fields.
    convenience init(withoutFieldsOf head: ResponseHead) {
        self.init(
            version: head.version,
            status: head.status,
            reason: head.reason,
            fields: HTTPFields(),
            framing: head.framing,
            keepAlive: head.keepAlive
        )
    }
}
