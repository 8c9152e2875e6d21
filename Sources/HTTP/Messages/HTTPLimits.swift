/// Bounds on everything in a message but its body, whose length is the driver's business.
///
/// Every bound is checked against the message, never against how it arrived: any split gives the same outcome.
public struct HTTPLimits: Sendable, Hashable {
    /// Longest request line or status line in bytes, without its line end. Default 8 KiB. Beyond it: 414.
    public var requestLine: Int
    /// Most bytes in all field lines together, line ends included. Default 32 KiB. Beyond it: 431.
    public var headerBlock: Int
    /// Most field lines. Default 100. Beyond it: 431.
    public var fieldCount: Int
    /// Most bytes in the line of one chunk size, extensions included, line end not. Default 256. Beyond it: 400.
    public var chunkLine: Int
    /// Most bytes of chunk extensions in one message. Default 16 KiB. Beyond it: 400.
    public var chunkExtensions: Int
    /// Most bytes in all trailer lines together. Default 8 KiB. Beyond it: 431.
    public var trailerBlock: Int
    /// Most trailer lines. Default 32. Beyond it: 431.
    public var trailerCount: Int
    /// Most interim (1xx) responses before the final one. Default 8.
    public var interimResponses: Int

    /// Limits with their defaults. Sizes above 16 MiB are cut to that, so that offsets always fit.
    public init(
        requestLine: Int = 8 << 10,
        headerBlock: Int = 32 << 10,
        fieldCount: Int = 100,
        chunkLine: Int = 256,
        chunkExtensions: Int = 16 << 10,
        trailerBlock: Int = 8 << 10,
        trailerCount: Int = 32,
        interimResponses: Int = 8
    ) {
        let most = 16 << 20
        self.requestLine = min(requestLine, most)
        self.headerBlock = min(headerBlock, most)
        self.fieldCount = fieldCount
        self.chunkLine = chunkLine
        self.chunkExtensions = chunkExtensions
        self.trailerBlock = min(trailerBlock, most)
        self.trailerCount = trailerCount
        self.interimResponses = interimResponses
    }
}
