import Runnable
import WorkerPool

/// All elements of a stream.
func collect<Element>(_ stream: RunStream<Element>) async throws -> [Element] {
    var all: [Element] = []
    for try await element in stream { all.append(element) }
    return all
}

/// The generator of langserve-protocol.md 4: ignores its input and yields "a", "b", "c".
func makeG() -> RunnableGenerator<String, String, String, String> {
    RunnableGenerator(name: "G") { _ in .elements(["a", "b", "c"]) }
}

/// The generator that makes each chunk's letters large as it arrives.
func makeU() -> RunnableGenerator<String, String, String, String> {
    RunnableGenerator(name: "U") { input in input.mapElements { $0.uppercased() } }
}

/// The same for run values.
let valueG: ValueRunnable =
    RunnableGenerator<RunValue, RunValue, RunValue, RunValue>(name: "G") { _ in .elements(["a", "b", "c"]) }.erased

/// A lambda of a function of run values.
func valueLambda(_ name: String, _ function: @escaping @Sendable (RunValue) throws -> RunValue) -> ValueRunnable {
    RunnableLambda(name: name, function).erased
}

/// Notes in the order they were made.
final class Notes: Sendable {
    private let notes = Locked<[String]>([])

    var all: [String] { notes.withLock { $0 } }

    func add(_ note: String) { notes.withLock { $0.append(note) } }
}

/// Elements 0, 1, 2 ... of a stream that counts what is pulled from it, and knows whether it was cancelled or dropped.
final class Tap: Sendable {
    private struct State {
        var pulled = 0
        var cancelled = 0
    }

    private let state = Locked(State())
    let isCancelled = Gate()

    var pulled: Int { state.withLock { $0.pulled } }
    var cancelled: Int { state.withLock { $0.cancelled } }

    fileprivate func pull() -> Int {
        state.withLock { state in
            defer { state.pulled += 1 }
            return state.pulled
        }
    }

    fileprivate func cancel() {
        state.withLock { $0.cancelled += 1 }
        isCancelled.open()
    }

    /// - Parameter count: after how many it ends; nil for never.
    func stream(_ count: Int? = nil) -> RunStream<Int> { RunStream { Source(tap: self, count: count) } }

    func texts(_ count: Int? = nil) -> RunStream<String> { stream(count).mapElements { "\($0)" } }

    private final class Source: RunSource {
        let tap: Tap
        let count: Int?

        init(tap: Tap, count: Int?) {
            self.tap = tap
            self.count = count
        }

        func next() async throws -> Int? {
            if let count, tap.pulled >= count { return nil }
            return tap.pull()
        }

        func cancel() { tap.cancel() }
    }
}

/// The sum of run values; null for none.
func sum(_ pieces: [RunValue]) throws -> RunValue {
    var sum = RunValue.null
    for piece in pieces { try sum.add(piece) }
    return sum
}
