import WorkerPool

/// Events on their way from a run to the one task that reads them.
///
/// The run's streams wait in ``ready()`` as long as ``limit`` events lie here; what the run emits without waiting, such as all that one
/// step reports at once, is kept beyond that.
final class RunFeed: RunObserver {
    /// How many events may lie here before the run waits.
    static let limit = 16

    private typealias Taker = UnsafeContinuation<[RunEvent]?, any Error>
    private typealias Waiter = UnsafeContinuation<Void, any Error>

    private struct State {
        var events: [RunEvent] = []
        var taker: Taker?
        var waiters: [Int: Waiter] = [:]
        var lastWaiter = 0
        var end: Result<[RunEvent]?, any Error>?
        var isGivenUp = false
    }

    private let filter: RunEventFilter
    private let state = Locked(State())

    init(_ filter: RunEventFilter) { self.filter = filter }

    func observe(_ event: RunEvent) {
        guard filter.includes(event) else { return }
        let taker = state.withLock { state -> Taker? in
            guard !state.isGivenUp else { return nil }
            if let taker = state.taker.take() { return taker }
            state.events.append(event)
            return nil
        }
        taker?.resume(returning: [event])
    }

    func ready() async throws {
        let number = state.withLock { state -> Int? in
            guard state.isGivenUp || state.events.count >= Self.limit else { return nil }
            state.lastWaiter += 1
            return state.lastWaiter
        }
        if let number { try await waitForRoom(number) }
    }

    private func waitForRoom(_ number: Int, isolation: isolated (any Actor)? = #isolation) async throws {
        try await withTaskCancellationHandler {
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            try await withUnsafeThrowingContinuation { (waiter: Waiter) in
                let result = state.withLock { state -> Result<Void, any Error>? in
                    if state.isGivenUp || Task.isCancelled { return .failure(CancellationError()) }
                    if state.events.count < Self.limit { return .success(()) }
                    state.waiters[number] = waiter
                    return nil
                }
                if let result { waiter.resume(with: result) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: number) }
            waiter?.resume(throwing: CancellationError())
        }
    }

    /// All events that lie here, at least one; nil or an error when the run is over.
    func take() async throws -> [RunEvent]? {
        try await withUnsafeThrowingContinuation { (taker: Taker) in
            let (result, waiters) = state.withLock { state -> (Result<[RunEvent]?, any Error>?, [Int: Waiter]) in
                if !state.events.isEmpty {
                    let events = state.events
                    let waiters = state.waiters
                    state.events = []
                    state.waiters = [:]
                    return (.success(events), waiters)
                }
                if state.end == nil { state.taker = taker }
                return (state.end, [:])
            }
            for waiter in waiters.values { waiter.resume() }
            if let result { taker.resume(with: result) }
        }
    }

    /// The run is over. Its error follows the events that were not taken yet.
    func finish(_ error: (any Error)?) {
        let (end, taker) = state.withLock { state -> (Result<[RunEvent]?, any Error>, Taker?) in
            // A reader that gave up did not see all, even if the run was quick enough to succeed.
            let error = error ?? (state.isGivenUp ? CancellationError() : nil)
            let end: Result<[RunEvent]?, any Error> = error.map { .failure($0) } ?? .success(nil)
            state.end = end
            return (end, state.taker.take())
        }
        taker?.resume(with: end)
    }

    /// Nobody will read on: drops what lies here and fails whoever waits for room.
    func giveUp() {
        let waiters = state.withLock { state in
            state.isGivenUp = true
            state.events = []
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume(throwing: CancellationError()) }
    }
}

/// The events of a run that goes on in a task of its own.
final class RunFeedSource: RunSource {
    private var run: (@Sendable (RunFeed) async throws -> Void)?
    private let feed: RunFeed
    private var task: Task<Void, Never>?
    /// What was taken and not yet delivered, the next one last.
    private var taken: [RunEvent] = []

    init(_ filter: RunEventFilter, _ run: @escaping @Sendable (RunFeed) async throws -> Void) {
        feed = RunFeed(filter)
        self.run = run
    }

    func next() async throws -> RunEvent? {
        if let event = taken.popLast() { return event }
        if let run = run.take() { task = start(run) }
        guard let task, let events = try await pull(task) else { return nil }
        taken = events.reversed()
        return taken.popLast()
    }

    private func pull(
        _ task: Task<Void, Never>,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> [RunEvent]? {
        let feed = feed
        return try await withTaskCancellationHandler {
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            return try await feed.take()
        } onCancel: {
            task.cancel()
            feed.giveUp()
        }
    }

    func cancel() {
        task?.cancel()
        feed.giveUp()
    }

    private func start(_ run: @escaping @Sendable (RunFeed) async throws -> Void) -> Task<Void, Never> {
        let feed = feed
        let executor = withUnsafeCurrentTask { $0?.unownedTaskExecutor?.asTaskExecutor() }
        return Task(executorPreference: executor) {
            do {
                try await run(feed)
                feed.finish(nil)
            } catch {
                feed.finish(error)
            }
        }
    }
}
