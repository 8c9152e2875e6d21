import EventLoop
import Glibc
import HTTP
import Runnable

/// What the admin socket has others do.
public struct AdminActions: Sendable {
    /// The process whose SIGTERM stops the service, at this moment: there is one way to stop.
    public var processToStop: @Sendable () -> Int32
    /// Reloads the configuration, or only tries whether that would do, and says what came of it; nil where a new process is about to take
    /// over, which has read its own. That there is one at a time is the callee's business.
    public var reload: @Sendable (_ isTrial: Bool) async -> ReloadOutcome?

    /// Actions as given.
    public init(
        processToStop: @escaping @Sendable () -> Int32,
        reload: @escaping @Sendable (_ isTrial: Bool) async -> ReloadOutcome?
    ) {
        self.processToStop = processToStop
        self.reload = reload
    }
}

/// Looks into the loops and takes hold of their requests. On the admin loop, which serves no clients: it answers also when
/// a serving loop is stuck, and says which one.
final class AdminService {
    /// How long a loop may take to answer before it counts as stuck.
    static let patience = Duration.seconds(1)
    /// How long a reload may take before the answer is that it goes on.
    static let reloadPatience = Duration.seconds(30)
    /// Rows that one loop makes at most, which bounds its job.
    static let mostRows = 1000
    /// Requests that the answer to an ambiguous id names.
    static let mostMatches = 20

    let loop: EventLoop
    let hub: LoopBound<TailHub>
    let gateway: Gateway
    let started = LogTime.now
    let begun = MonotonicTime.now
    private let actions: AdminActions
    /// Who has been told to stop. It counts only while that is the one to tell: a supervisor may have left without hearing it.
    private var toldToStop: pid_t?

    init(_ gateway: Gateway, loop: EventLoop, actions: AdminActions) {
        self.gateway = gateway
        self.loop = loop
        self.actions = actions
        let log = gateway.log
        hub = LoopBound(TailHub { log.redact($0) }, loop: loop)
    }

    /// What one loop says, and how long it took to say it.
    struct LoopAnswer<Answer: Sendable>: Sendable {
        let answer: Answer
        /// From the question to the turn of the loop that answered it.
        let lag: Duration
    }

    /// Asks every loop with a short job; nil for one that does not answer in time.
    func ask<Answer: Sendable>(
        isolation: isolated (any Actor)? = #isolation,
        _ question: @escaping @Sendable (LoopRuntime, _ number: Int) -> Answer
    ) async -> [LoopAnswer<Answer>?] {
        let runtimes = gateway.runtimes
        let round = LoopBound(Round<LoopAnswer<Answer>>(runtimes.count), loop: loop)
        let home = loop
        for (number, runtime) in runtimes.enumerated() {
            let asked = MonotonicTime.now
            runtime.loop.execute {
                let lag = MonotonicTime.now - asked
                let answer = LoopAnswer(answer: question(runtime, number), lag: lag)
                home.execute { round.value.take(answer, at: number) }
            }
        }
        await round.value.wait(AdminService.patience, on: loop)
        return round.value.answers
    }

    /// The names of loops that gave no answer.
    func silent<Answer>(_ answers: [LoopAnswer<Answer>?]) -> [String] {
        zip(gateway.runtimes, answers).filter { $0.1 == nil }.map(\.0.loop.name)
    }

    // MARK: Looking

    /// The first requests in an order, of all loops together.
    func requests(_ limit: Int, by order: RequestOrder, isolation: isolated (any Actor)? = #isolation) async -> Value {
        let limit = min(max(limit, 0), AdminService.mostRows)
        let answers = await ask { runtime, _ in
            let live = runtime.telemetry.value.live
            return (count: live.count, streams: live.streamCount, rows: live.rows(limit, by: order, at: .now))
        }
        let known = answers.compactMap { $0?.answer }
        let rows = known.flatMap(\.rows).sorted { $0.rank(by: order) > $1.rank(by: order) }
        return [
            "total": .integer(known.reduce(0) { $0 + $1.count }),
            "streams": .integer(known.reduce(0) { $0 + $1.streams }),
            "silent_loops": .array(silent(answers).map { .string($0) }),
            "requests": .array(rows.prefix(limit).map(\.json)),
        ]
    }

    // MARK: Following

    /// Lets a follower see what ends from now on; when this returns every loop that turns knows of it.
    func follow(_ follower: TailFollower, isolation: isolated (any Actor)? = #isolation) async {
        hub.value.add(follower)
        let hub = hub
        _ = await ask { runtime, _ in runtime.telemetry.value.tail.follow(hub) }
    }

    /// The follower has gone; with the last one the loops forget about it.
    func unfollow(_ follower: TailFollower) {
        hub.value.remove(follower)
        guard hub.value.count == 0 else { return }
        for runtime in gateway.runtimes {
            runtime.loop.execute { runtime.telemetry.value.tail.follow(nil) }
        }
    }

    // MARK: Taking hold

    /// What became of an attempt to end a request.
    enum Kill {
        case killed(RequestRow)
        case notFound
        /// Several begin so; the first few of them.
        case ambiguous([RequestRow])
        /// These loops did not answer, so that nobody knows whether the request is theirs.
        case unknown([String])
    }

    /// Ends the one request whose id, or whose run's, begins with `prefix`.
    func kill(_ prefix: String, isolation: isolated (any Actor)? = #isolation) async -> Kill {
        let limit = AdminService.mostMatches
        let answers = await ask { runtime, _ in
            runtime.telemetry.value.live.matches(prefix, limit: limit, at: .now)
        }
        var found: [(number: Int, match: RequestMatch)] = []
        for (number, answer) in answers.enumerated() {
            found += (answer?.answer ?? []).map { (number, $0) }
        }
        // A whole id wins over longer ones that begin with it.
        let exact = found.filter(\.match.isExact)
        if !exact.isEmpty { found = exact }
        guard found.count <= 1 else { return .ambiguous(found.prefix(limit).map(\.match.row)) }
        let silent = silent(answers)
        guard silent.isEmpty || !exact.isEmpty else { return .unknown(silent) }
        guard let (number, match) = found.first else { return .notFound }
        let killed = await ask { runtime, place in place == number && runtime.telemetry.value.live.kill(match) }
        guard let answer = killed[number] else { return .unknown([gateway.runtimes[number].loop.name]) }
        return answer.answer ? .killed(match.row) : .notFound
    }

    /// What became of an attempt to stop.
    enum Drain {
        case begins
        case hasBegun
        /// The signal could not be sent, and why.
        case failed(String)
    }

    /// Begins to stop.
    func drain() -> Drain {
        let pid = actions.processToStop()
        guard !gateway.isStopping, toldToStop != pid else { return .hasBegun }
        guard Glibc.kill(pid, SIGTERM) == 0 else {
            return .failed("cannot signal process \(pid): \(String(cString: strerror(errno)))")
        }
        toldToStop = pid
        return .begins
    }

    private var isToStop: Bool { gateway.isStopping || toldToStop == actions.processToStop() }

    /// What became of an attempt to reload.
    enum Reload {
        case done(ReloadOutcome)
        /// It takes longer than anybody waits.
        case goesOn
        /// The daemon is stopping, and reads nothing any more.
        case stopping
        /// Another process is taking over.
        case takingOver
    }

    /// Reloads, or tries whether that would do.
    func reload(isTrial: Bool, isolation: isolated (any Actor)? = #isolation) async -> Reload {
        guard !isToStop else { return .stopping }
        let round = LoopBound(Round<ReloadOutcome?>(1), loop: loop)
        let (home, actions) = (loop, actions)
        Task.detached {
            let outcome = await actions.reload(isTrial)
            home.execute { round.value.take(outcome, at: 0) }
        }
        await round.value.wait(AdminService.reloadPatience, on: loop)
        guard let answer = round.value.answers[0] else { return Task.isCancelled || isToStop ? .stopping : .goesOn }
        guard let outcome = answer else { return .takingOver }
        return !outcome.succeeded && isToStop ? .stopping : .done(outcome)
    }
}
