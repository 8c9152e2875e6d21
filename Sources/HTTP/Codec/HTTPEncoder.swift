/// Writes heads. The codec owns the framing: Content-Length, Transfer-Encoding, Connection and Date among the given
/// fields are left out where the encoder writes its own.
public enum HTTPEncoder {
    /// What a head says about the connection.
    public enum Connection: Sendable, Hashable {
        /// Nothing: HTTP/1.1 keeps the connection.
        case implied
        /// `Connection: close`.
        case close
        /// `Connection: keep-alive`, for HTTP/1.0 clients that asked for it.
        case keepAlive
    }

    /// Appends a response's head, empty line included.
    ///
    /// - Parameters:
    ///   - status: 100 to 599; traps otherwise.
    ///   - framing: `.length` and `.chunked` write their field (also right for answers to HEAD); `.none` and `.untilClose`
    ///     write nothing.
    ///   - date: written as the Date field; nil leaves whatever `fields` has.
    public static func appendResponseHead(
        status: Int,
        fields: HTTPFields = [:],
        framing: BodyFraming,
        connection: Connection = .implied,
        date: HTTPDate? = nil,
        to output: inout [UInt8]
    ) {
        appendResponseFields(status: status, fields: fields, date: date, to: &output)
        appendFraming(framing, connection, to: &output)
    }

    /// The status line and the fields but those of the framing.
    static func appendResponseFields(
        status: Int,
        fields: HTTPFields,
        date: HTTPDate?,
        to output: inout [UInt8]
    ) {
        precondition((100...599).contains(status), "status out of range")
        output.append(literal: "HTTP/1.1 ")
        output.append(decimal: status)
        output.append(Bytes.space)
        output.append(literal: HTTPStatus.reasonPhrase(status))
        output.append(literal: "\r\n")
        var owned = framingFields
        if let date {
            owned.formUnion(.date)
            output.append(literal: "date: ")
            date.append(to: &output)
            output.append(literal: "\r\n")
        }
        fields.append(to: &output, except: owned)
    }

    /// Appends `HTTP/1.1 100 Continue` and its empty line.
    public static func appendContinue(to output: inout [UInt8]) {
        output.append(literal: "HTTP/1.1 100 Continue\r\n\r\n")
    }

    /// Appends a request's head, empty line included.
    ///
    /// - Parameters:
    ///   - fields: must have a Host, as every HTTP/1.1 request; traps without one.
    ///   - framing: `.length` and `.chunked` write their field, `.none` writes nothing; traps for `.untilClose`.
    public static func appendRequestHead(
        method: HTTPMethod,
        target: RequestTarget,
        fields: HTTPFields,
        framing: BodyFraming,
        connection: Connection = .implied,
        to output: inout [UInt8]
    ) {
        precondition(framing != .untilClose, "a request cannot end with the connection")
        precondition(fields.known.contains(.host), "a request needs a Host")
        method.append(to: &output)
        output.append(Bytes.space)
        output.append(contentsOf: target.text.utf8)
        output.append(literal: " HTTP/1.1\r\n")
        fields.append(to: &output, except: framingFields)
        appendFraming(framing, connection, to: &output)
    }

    private static let framingFields: KnownField.Set = [.contentLength, .transferEncoding, .connection]

    /// The fields of the framing, and the empty line.
    static func appendFraming(_ framing: BodyFraming, _ connection: Connection, to output: inout [UInt8]) {
        switch framing {
        case .length(let count):
            output.append(literal: "content-length: ")
            output.append(decimal: count)
            output.append(literal: "\r\n")
        case .chunked: output.append(literal: "transfer-encoding: chunked\r\n")
        case .none, .untilClose: break
        }
        switch connection {
        case .implied: output.append(literal: "\r\n")
        case .close: output.append(literal: "connection: close\r\n\r\n")
        case .keepAlive: output.append(literal: "connection: keep-alive\r\n\r\n")
        }
    }
}
