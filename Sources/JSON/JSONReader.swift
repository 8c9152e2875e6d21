internal import CSimdJSON

/// Reads JSON texts one after the other and lends each one to a closure as a ``JSONView``.
///
/// Accepts RFC 8259 and nothing else: one value, valid UTF-8, no byte order mark. Numbers of any size and precision are
/// valid and keep their source text. Escaped lone surrogates (`"\ud800"`) are valid, since several JSON writers emit them;
/// see ``JSONView/string``. Of equal keys in one object the last one counts.
///
/// Not Sendable: one reader per loop or thread. Its buffers are reused from text to text (about 25 KiB at first), but given back
/// after a text that took more than ``retainedLimit`` bytes of them. Memory while reading is up to 4 bytes per byte of text plus
/// 16 per token, plus a copy of the text when it is not padded.
public final class JSONReader {
    /// Buffers above this size are freed after the read that needed them: 1 MiB.
    public static let retainedLimit = 1 << 20

    /// Arrays and objects that may lie in each other.
    public static let defaultDepth = 128

    private let parser: Parser
    private var isReading = false

    /// Makes a reader.
    /// - Parameter maximumDepth: how many arrays and objects may lie in each other; deeper texts are refused with
    ///   ``JSONError/Reason/tooDeep``. Zero allows scalars only.
    public init(maximumDepth: Int = defaultDepth) {
        parser = Parser(maximumDepth: UInt32(clamping: maximumDepth))
    }

    /// Checks `bytes` and calls `body` with the text's value.
    ///
    /// - Parameters:
    ///   - bytes: the text; must stay unchanged until `read` returns.
    ///   - padded: promises that at least 64 readable bytes follow the end of `bytes`, whatever their contents. Without
    ///     it the text is copied once, since the vectorised pass may read that far.
    ///   - body: gets a view that must not outlive the call. It must not read with the same reader.
    /// - Throws: ``JSONError`` when the text is refused, without having called `body`; otherwise what `body` throws.
    @inlinable
    public func read<R, E: Error>(
        _ bytes: UnsafeRawBufferPointer,
        padded: Bool = false,
        _ body: (JSONView) throws(E) -> R
    ) throws -> R {
        let view = try begin(bytes, padded: padded)
        defer { finish() }
        return try body(view)
    }

    /// Like ``read(_:padded:_:)``; spare capacity of 64 bytes or more saves the copy.
    @inlinable
    public func read<R, E: Error>(_ bytes: [UInt8], _ body: (JSONView) throws(E) -> R) throws -> R {
        let padded = bytes.capacity - bytes.count >= 64
        return try bytes.withUnsafeBytes { try read($0, padded: padded, body) }
    }

    /// Bytes of buffers held at the moment.
    var retainedBytes: Int { csj_parser_memory(parser.raw) }

    @usableFromInline
    func begin(_ bytes: UnsafeRawBufferPointer, padded: Bool) throws(JSONError) -> JSONView {
        precondition(!isReading, "a JSONReader reads one text at a time")
        let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let result = csj_parse(parser.raw, base, bytes.count, padded)
        guard let base, let root = result.nodes else {
            csj_parser_trim(parser.raw, Self.retainedLimit)
            throw JSONError(result)
        }
        isReading = true
        return JSONView(node: UnsafeRawPointer(root), base: UnsafeRawPointer(base))
    }

    @usableFromInline
    func finish() {
        isReading = false
        csj_parser_trim(parser.raw, Self.retainedLimit)
    }
}

@available(*, unavailable)
extension JSONReader: Sendable {}

/// Owns a `csj_parser`.
private struct Parser: ~Copyable {
    let raw: OpaquePointer

    init(maximumDepth: UInt32) {
        guard let raw = csj_parser_new(maximumDepth) else { fatalError("out of memory") }
        self.raw = raw
    }

    deinit { csj_parser_free(raw) }
}

extension JSONError {
    fileprivate init(_ result: csj_result) {
        self.init(Reason(code: result.reason), offset: result.offset == .max ? nil : Int(result.offset))
    }
}

extension JSONError.Reason {
    /// The reason for one of `enum csj_reason`, which are numbered in the order of our cases.
    fileprivate init(code: Int32) {
        self = Self.allCases[Int(code) - 1]
    }
}
