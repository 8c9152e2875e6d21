/// What a parser takes: something with text in it.
public protocol TextBearing: Sendable {
    /// The text, without what is not text; nil when it is something that no parser takes.
    var parsedText: String? { get }
}

extension String: TextBearing {
    /// Itself.
    public var parsedText: String? { self }
}

extension Message: TextBearing {
    /// All text of its content.
    public var parsedText: String? { content.text }
}

extension MessageChunk: TextBearing {
    /// All text of its content.
    public var parsedText: String? { content.text }
}

extension RunValue: TextBearing {
    /// The text of a message or a piece of one, or the string; null for other things.
    public var parsedText: String? {
        switch self {
        case .message(let message): message.content.text
        case .chunk(let chunk): chunk.content.text
        case .value(let value), .snapshot(let value): value.string
        case .prompt, .object, .list: nil
        }
    }
}

/// How a text that comes in pieces is understood. A value: one for each text.
public protocol TextParsing: Sendable {
    /// What it makes of the whole text.
    associatedtype Whole: Sendable
    /// What it makes on the way.
    associatedtype Piece: Sendable

    /// Begins a text.
    init()

    /// Takes the next piece of the text and adds what it makes of it.
    mutating func push(_ text: String, to pieces: inout [Piece]) throws
    /// Adds what the end of the text makes of what was kept.
    mutating func finish(_ pieces: inout [Piece]) throws
    /// What it makes of a text that is all there.
    static func parse(_ text: String) throws -> Whole
    /// What runs are called.
    static var name: String { get }
}

/// A parser as a runnable.
///
/// - Streams: each piece of text is parsed as it comes, and what it makes is handed on at once.
/// - Blocks, cancels, retries nothing of its own.
public struct OutputParser<
    Parsing: TextParsing,
    Input: TextBearing,
    InputChunk: TextBearing,
    Output: Sendable,
    Chunk: Sendable
>:
    AsyncRunnable
{
    /// What runs of it are called. Default: LangChain's name for such a parser.
    public var name = Parsing.name

    /// True: nothing in it waits.
    public var isImmediate: Bool { true }

    /// ``RunKind/parser``.
    public var kind: RunKind { .parser }

    private let makeOutput: @Sendable (Parsing.Whole) -> Output
    private let makeChunk: @Sendable (Parsing.Piece) -> Chunk

    /// A parser whose results are turned into other types.
    public init(
        output: @escaping @Sendable (Parsing.Whole) -> Output,
        chunk: @escaping @Sendable (Parsing.Piece) -> Chunk
    ) {
        makeOutput = output
        makeChunk = chunk
    }

    /// Parses a text that is all there, on the calling thread.
    @specialized(
        where
            Parsing == StringParsing,
            Input == RunValue,
            InputChunk == RunValue,
            Output == RunValue,
            Chunk == RunValue
    )
    public func invoke(_ input: Input, config: RunConfig) throws -> Output {
        guard config.isObserved else {
            return makeOutput(try Parsing.parse(try ParserSource<Parsing, InputChunk, Chunk>.text(of: input)))
        }
        return try RunScope(name, .parser, config).run(input) { _ in
            makeOutput(try Parsing.parse(try ParserSource<Parsing, InputChunk, Chunk>.text(of: input)))
        }
    }

    /// Parses a text that is all there; never waits.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> Output {
        try invoke(input, config: config)
    }

    /// What a stream would give for a text that comes in one piece.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk> {
        let makeChunk = makeChunk
        return RunScope(name, .parser, config).streaming(input) { _ in
            RunStream { ParserSource<Parsing, Input, Chunk>(.elements([input]), makeChunk) }
        }
    }

    /// What each piece of the text makes.
    public func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<Chunk> {
        let makeChunk = makeChunk
        return RunScope(name, .parser, config).transforming(input) { input, _ in
            RunStream { ParserSource<Parsing, InputChunk, Chunk>(input, makeChunk) }
        }
    }
}

extension OutputParser where Output == Parsing.Whole, Chunk == Parsing.Piece {
    /// A parser.
    public init() {
        self.init(output: { $0 }, chunk: { $0 })
    }
}

/// Pulls pieces of text until they make something.
private final class ParserSource<Parsing: TextParsing, Input: TextBearing, Chunk: Sendable>: RunSource {
    private var iterator: RunStream<Input>.Iterator
    private let makeChunk: (Parsing.Piece) -> Chunk
    private var parsing: Parsing? = Parsing()
    private var ready: [Parsing.Piece] = []
    private var taken = 0

    init(_ input: RunStream<Input>, _ makeChunk: @escaping (Parsing.Piece) -> Chunk) {
        iterator = input.makeAsyncIterator()
        self.makeChunk = makeChunk
    }

    @specialized(where Parsing == StringParsing, Input == RunValue, Chunk == RunValue)
    @specialized(where Parsing == StringParsing, Input == MessageChunk, Chunk == String)
    func next() async throws -> Chunk? {
        while true {
            if taken < ready.count {
                defer { taken += 1 }
                return makeChunk(ready[taken])
            }
            ready.removeAll(keepingCapacity: true)
            taken = 0
            guard parsing != nil else { return nil }
            if let piece = try await iterator.next() {
                try parsing?.push(Self.text(of: piece), to: &ready)
            } else {
                try parsing?.finish(&ready)
                parsing = nil
            }
        }
    }

    @specialized(where Parsing == StringParsing, Input == RunValue, Chunk == RunValue)
    @specialized(where Parsing == StringParsing, Input == MessageChunk, Chunk == String)
    func nextReady() throws -> ReadyElement<Chunk> {
        while true {
            if taken < ready.count {
                defer { taken += 1 }
                return .element(makeChunk(ready[taken]))
            }
            ready.removeAll(keepingCapacity: true)
            taken = 0
            guard parsing != nil else { return .end }
            switch try iterator.nextReady() {
            case .element(let piece): try parsing?.push(Self.text(of: piece), to: &ready)
            case .end:
                try parsing?.finish(&ready)
                parsing = nil
            case .pending: return .pending
            }
        }
    }

    func cancel() { iterator.cancel() }

    static func text(of input: some TextBearing) throws -> String {
        if let text = input.parsedText { return text }
        throw RunError(.callerInvalid, "a parser takes messages and text", status: 422)
    }
}
