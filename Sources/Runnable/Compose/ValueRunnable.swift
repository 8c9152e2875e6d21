/// The one type of everything in a pipeline that is put together at run time.
public typealias ValueRunnable = AnyRunnable<RunValue, RunValue, RunValue, RunValue>

extension Runnable {
    /// This runnable with its outputs and chunks as ``RunValue``s. Where they are such already, nothing is converted.
    public var valued: AnyRunnable<Input, InputChunk, RunValue, RunValue> { valued(fedBy: InputChunk.self) }

    /// The same for input that comes in pieces of another type, which are fitted as those between the steps of a sequence are.
    public func valued<Piece: Sendable>(fedBy piece: Piece.Type) -> AnyRunnable<Input, Piece, RunValue, RunValue> {
        let erased = erased
        if let same = erased as? AnyRunnable<Input, Piece, RunValue, RunValue> { return same }
        return AnyRunnable(
            ValuedRunnable<Input, Piece, InputChunk, Output, Chunk>(
                base: erased,
                output: RunValueConversion.make(),
                chunk: RunValueConversion.make()
            )
        )
    }
}

/// How values of one type become run values: found out once, and not for every chunk.
struct RunValueConversion<From: Sendable>: Sendable {
    let convert: @Sendable (From) -> RunValue

    static func make() -> RunValueConversion<From> {
        func open<Convertible: RunValueConvertible>(_ type: Convertible.Type) -> any Sendable {
            RunValueConversion<Convertible> { $0.runValue }
        }
        if let type = From.self as? any RunValueConvertible.Type, let made = open(type) as? RunValueConversion<From> {
            return made
        }
        return RunValueConversion { RunValue(describing: $0) }
    }
}

/// A runnable whose outputs become run values and whose input is fitted. Reports nothing itself.
private struct ValuedRunnable<
    Input: Sendable,
    InputChunk: Sendable,
    Taken: Sendable,
    Made: Sendable,
    Streamed: Sendable
>:
    Runnable
{
    let base: AnyRunnable<Input, Taken, Made, Streamed>

    var configurableSpecs: [ConfigurableField] { base.configurableSpecs }
    let output: RunValueConversion<Made>
    let chunk: RunValueConversion<Streamed>

    var name: String { base.name }
    var kind: RunKind { base.kind }

    func invoke(_ input: Input, config: RunConfig) throws -> RunValue {
        output.convert(try base.invoke(input, config: config))
    }

    func ainvoke(_ input: Input, config: RunConfig) async throws -> RunValue {
        output.convert(try await base.ainvoke(input, config: config))
    }

    func stream(_ input: Input, config: RunConfig) -> RunSequence<RunValue> {
        let stream = base.stream(input, config: config)
        let convert = chunk.convert
        return RunSequence {
            var iterator = stream.makeIterator()
            return { try iterator.next().map(convert) }
        }
    }

    func astream(_ input: Input, config: RunConfig) -> RunStream<RunValue> {
        let convert = chunk.convert
        return base.astream(input, config: config).mapElements { convert($0) }
    }

    func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<RunValue> {
        let convert = chunk.convert
        return base.atransform(PieceFitting.fit(input, to: Taken.self), config: config).mapElements { convert($0) }
    }

    func transform(_ input: RunSequence<InputChunk>, config: RunConfig) -> RunSequence<RunValue> {
        let stream = RunStream(pulling: input)
        return BlockingBridge.sequence(of: atransform(stream, config: config))
    }
}
