/// Fields of one request alone, beside those that are made once for a backend: written straight into the bytes that leave.
public protocol RequestFields: AnyObject, Sendable {
    /// Appends whole lines, each with its CRLF.
    ///
    /// They are not checked: they must be in order, and name nothing that the preamble names. On the client's loop; again when an
    /// undelivered request is sent again.
    func append(to output: inout [UInt8])
}
