import WorkerPool

/// A door that tasks wait at until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [UnsafeContinuation<Void, Never>] = []
    }

    private let state = Locked(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    /// Waits until the task is cancelled, then throws.
    static func waitForCancellation() async throws {
        let gate = Gate()
        await withTaskCancellationHandler {
            await gate.wait()
        } onCancel: {
            gate.open()
        }
        throw CancellationError()
    }
}

/// How many are inside, now and at most. Tasks can wait until there are `parties` of them; then all go on together.
final class Crowd: Sendable {
    private struct State {
        var inside = 0
        var peak = 0
        var entered = 0
        var gate = Gate()
        var gathered = 0
    }

    private let parties: Int
    private let state = Locked(State())

    init(parties: Int = 1) { self.parties = parties }

    var peak: Int { state.withLock { $0.peak } }
    var entered: Int { state.withLock { $0.entered } }
    var inside: Int { state.withLock { $0.inside } }

    func enter() {
        state.withLock { state in
            state.inside += 1
            state.entered += 1
            state.peak = max(state.peak, state.inside)
        }
    }

    func leave() { state.withLock { $0.inside -= 1 } }

    func gather() async {
        let (gate, isComplete) = state.withLock { state in
            state.gathered += 1
            let gate = state.gate
            guard state.gathered == parties else { return (gate, false) }
            state.gathered = 0
            state.gate = Gate()
            return (gate, true)
        }
        if isComplete { gate.open() } else { await gate.wait() }
    }
}

/// The same for threads that block.
final class ThreadCrowd: Sendable {
    private struct State {
        var inside = 0
        var peak = 0
        var gathered = 0
        var round = 0
    }

    private let parties: Int
    private let monitor = Monitor(State())

    init(parties: Int) { self.parties = parties }

    var peak: Int { monitor.withLock { $0.peak } }

    /// Enters, waits until `parties` are there, and leaves.
    func pass() {
        let round = monitor.withLock { state in
            state.inside += 1
            state.peak = max(state.peak, state.inside)
            state.gathered += 1
            defer {
                if state.gathered == parties {
                    state.gathered = 0
                    state.round += 1
                }
            }
            return state.round
        }
        monitor.broadcast()
        monitor.wait { $0.round > round ? () : nil }
        monitor.withLock { $0.inside -= 1 }
    }
}

/// Makes threads or tasks finish in a given order: each waits for its turn.
final class Turns: Sendable {
    private let order: [Int]
    private let gates: [Gate]
    private let monitor = Monitor(0)

    /// - Parameter order: the items 0..<count in the order they shall finish.
    init(_ order: [Int]) {
        self.order = order
        gates = order.map { _ in Gate() }
        if let first = order.first { gates[first].open() }
    }

    private func position(of item: Int) -> Int { order.firstIndex(of: item) ?? 0 }

    /// For tasks: returns when it is the item's turn. The one after may go when ``finish(_:)`` was called.
    func wait(_ item: Int) async { await gates[item].wait() }

    func finish(_ item: Int) {
        let next = position(of: item) + 1
        if next < order.count { gates[order[next]].open() }
    }

    /// For threads.
    func block(_ item: Int) {
        let position = position(of: item)
        monitor.wait { $0 == position ? () : nil }
    }

    func unblock() {
        monitor.withLock { $0 += 1 }
        monitor.broadcast()
    }
}

/// Runs blocking test code on a thread that may block, as the test's own may not.
func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await WorkerPool(name: "test", maximumThreads: 1).run(body)
}

struct TestError: Error, Equatable {
    var number: Int
    init(_ number: Int) { self.number = number }
}

extension Result {
    var number: Int? {
        if case .failure(let error) = self { (error as? TestError)?.number } else { nil }
    }

    var output: Success? {
        if case .success(let value) = self { value } else { nil }
    }
}
