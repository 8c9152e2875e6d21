/// Fields of one response alone, beside those that many have: written straight into the bytes that leave. Used on the connection's loop.
public protocol ResponseFields: AnyObject {
    /// Appends whole lines, each with its CRLF.
    ///
    /// They are not checked: they must be in order, and name nothing that the codec writes itself.
    func append(to output: inout [UInt8])
}
