/// The pieces of one observed run, each reported as it passes.
final class ObservedSource<Piece: Sendable>: RunSource {
    private let scope: RunScope
    private let input: () -> RunValue?
    private var makeStream: ((RunConfig) -> RunStream<Piece>)?
    private var iterator: RunStream<Piece>.Iterator?
    private let sum = PieceSum<Piece>.make()
    private let reportsPieces: Bool

    /// - Parameter reportsPieces: false where only the beginning and the end are of interest.
    init(
        _ scope: RunScope,
        input: @autoclosure @escaping () -> RunValue?,
        reportsPieces: Bool = true,
        _ makeStream: @escaping (RunConfig) -> RunStream<Piece>
    ) {
        self.scope = scope
        self.input = input
        self.makeStream = makeStream
        self.reportsPieces = reportsPieces
    }

    /// For a run whose beginning was reported already.
    init(_ scope: RunScope, begun iterator: RunStream<Piece>.Iterator, input: @escaping () -> RunValue?) {
        self.scope = scope
        self.input = input
        self.iterator = iterator
        reportsPieces = true
    }

    func next() async throws -> Piece? {
        if let makeStream = makeStream.take() {
            scope.start(input())
            iterator = makeStream(scope.config).makeAsyncIterator()
        }
        do {
            try await scope.ready()
            guard let piece = try await iterator?.next() else {
                iterator = nil
                scope.end(sum.value.map { RunValue(describing: $0) }, input: input())
                return nil
            }
            if reportsPieces { scope.stream(RunValue(describing: piece)) }
            sum.add(piece)
            return piece
        } catch {
            iterator = nil
            scope.fail(error)
            throw error
        }
    }

    func cancel() {
        iterator?.cancel()
        guard makeStream == nil else { return }
        scope.fail(CancellationError())
    }
}

/// The pieces of one observed run that is fed by a stream. It begins when the first piece of the input is there, as LangChain's do.
final class ObservedTransformSource<InputPiece: Sendable, Piece: Sendable>: RunSource {
    private let scope: RunScope
    private var begin: (() async throws -> ObservedSource<Piece>)?
    private var source: ObservedSource<Piece>?

    init(
        _ scope: RunScope,
        _ input: RunStream<InputPiece>,
        _ body: @escaping (RunStream<InputPiece>, RunConfig) -> RunStream<Piece>
    ) {
        self.scope = scope
        begin = {
            var pieces = input.makeAsyncIterator()
            let first = try await pieces.next()
            let sum = PieceSum<InputPiece>.make()
            if let first { sum.add(first) }
            scope.start(nil)
            let tee = TeeSource(first, pieces, sum)
            let stream = body(RunStream(sharing: tee), scope.config)
            return ObservedSource(scope, begun: stream.makeAsyncIterator()) {
                sum.value.map { RunValue(describing: $0) }
            }
        }
    }

    func next() async throws -> Piece? {
        if let begin = begin.take() { source = try await begin() }
        return try await source?.next()
    }

    func cancel() { source?.cancel() }
}

/// Passes a stream on and keeps the sum of what passed.
private final class TeeSource<Piece: Sendable>: RunSource {
    private var first: Piece?
    private var rest: RunStream<Piece>.Iterator?
    private let sum: PieceSum<Piece>

    init(_ first: Piece?, _ rest: RunStream<Piece>.Iterator, _ sum: PieceSum<Piece>) {
        self.first = first
        self.rest = first == nil ? nil : rest
        self.sum = sum
    }

    func next() async throws -> Piece? {
        if let first = first.take() { return first }
        guard let piece = try await rest?.next() else { return nil }
        sum.add(piece)
        return piece
    }

    func cancel() { rest?.cancel() }
}
