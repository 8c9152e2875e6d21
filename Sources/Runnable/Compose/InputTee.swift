import WorkerPool

/// One stream for several readers, each in a task of its own, that all get every piece.
///
/// Pieces are pulled when a reader asks for one that is not there yet, by that reader's task. No reader gets further ahead of the
/// slowest one that is reading than ``distance`` pieces: it waits until that one has read on or ended. For readers that have yet to begin
/// all pieces are kept.
final class InputTee<Piece: Sendable>: @unchecked Sendable {  // `input` is used by the one reader that is pulling
    /// How many pieces a reader may be ahead of the slowest one.
    static var distance: Int { 16 }

    private enum Phase { case waiting, reading, ended }

    private enum Step {
        case take(Piece, wake: [UnsafeContinuation<Void, Never>])
        case end(Result<Void, any Error>)
        case pull
        case wait
    }

    private struct State {
        /// The pieces from `base` on, nil where all readers have passed.
        var kept: [Piece?] = []
        var passed = 0
        var base = 0
        var readers: [(position: Int, phase: Phase)]
        var isPulling = false
        var end: Result<Void, any Error>?
        var waiting: [UnsafeContinuation<Void, Never>] = []

        var endPosition: Int { base + kept.count }
    }

    private var input: RunStream<Piece>.Iterator?
    private let state: Locked<State>

    init(_ input: RunStream<Piece>, readers: Int) {
        self.input = input.makeAsyncIterator()
        state = Locked(State(readers: Array(repeating: (0, .waiting), count: readers)))
    }

    /// Marks readers as reading, which hold back the others from now on.
    func begin(_ indexes: some Sequence<Int>) {
        state.withLock { state in
            for index in indexes { state.readers[index].phase = .reading }
        }
    }

    /// What one reader reads, once. To be asked for in the reader's task.
    func stream(_ index: Int) -> RunStream<Piece> { RunStream(sharing: Reader(self, index)) }

    /// A reader reads no more. May be called again.
    func end(_ index: Int) {
        let woken = state.withLock { state in
            state.readers[index].phase = .ended
            return Self.afterPassing(&state)
        }
        for continuation in woken { continuation.resume() }
    }

    /// Drops the input. Only after all readers have ended.
    func close() { input = nil }

    fileprivate func next(_ index: Int) async throws -> Piece? {
        while true {
            switch state.withLock({ Self.step(index, &$0, takes: true) }) {
            case .take(let piece, let woken):
                for continuation in woken { continuation.resume() }
                return piece
            case .end(let result):
                try result.get()
                return nil
            case .pull: await pull()
            case .wait: try await wait(index)
            }
        }
    }

    private static func step(_ index: Int, _ state: inout State, takes: Bool) -> Step {
        let position = state.readers[index].position
        if position < state.endPosition, let piece = state.kept[position - state.base] {
            guard takes else { return .take(piece, wake: []) }
            state.readers[index].position += 1
            return .take(piece, wake: afterPassing(&state))
        }
        if let end = state.end { return .end(end) }
        let slowest = state.readers.lazy.filter { $0.phase == .reading }.map(\.position).min() ?? position
        if state.isPulling || position - slowest >= distance { return .wait }
        if takes { state.isPulling = true }
        return .pull
    }

    /// Lets go of what all have read; returns who may have something to do now.
    private static func afterPassing(_ state: inout State) -> [UnsafeContinuation<Void, Never>] {
        let slowest = state.readers.lazy.filter { $0.phase != .ended }.map(\.position).min() ?? state.endPosition
        while state.base + state.passed < slowest {
            state.kept[state.passed] = nil
            state.passed += 1
        }
        if state.passed > 0, state.passed * 2 >= state.kept.count {
            state.kept.removeFirst(state.passed)
            state.base += state.passed
            state.passed = 0
        }
        defer { state.waiting = [] }
        return state.waiting
    }

    private func pull() async {
        let outcome: Result<Piece?, any Error>
        do { outcome = .success(try await input?.next()) } catch { outcome = .failure(error) }
        let woken = state.withLock { state in
            state.isPulling = false
            switch outcome {
            case .success(let piece?): state.kept.append(piece)
            case .success(nil): state.end = .success(())
            case .failure(let error): state.end = .failure(error)
            }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in woken { continuation.resume() }
    }

    private func wait(_ index: Int) async throws {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let mayGo = state.withLock { state in
                    guard !Task.isCancelled, case .wait = Self.step(index, &state, takes: false) else { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if mayGo { continuation.resume() }
            }
        } onCancel: {
            let woken = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in woken { continuation.resume() }
        }
        try Task.checkCancellation()
    }

    private final class Reader: RunSource {
        private let tee: InputTee
        private let index: Int

        init(_ tee: InputTee, _ index: Int) {
            self.tee = tee
            self.index = index
        }

        func next() async throws -> Piece? { try await tee.next(index) }

        func cancel() { tee.end(index) }
    }
}
