/// When a failed call is made again, how often, and after which waits.
public struct RetryPolicy: Sendable {
    /// How many calls are made at most, the first one counted. Default 3.
    public var attempts: Int
    /// The waits between calls; nil for none.
    public var waits: RetryWaits?
    /// Which errors are worth another call. A cancellation never is, whatever this says.
    public var isRetryable: @Sendable (any Error) -> Bool
    /// Bounds the retries of all calls that share it; nil for no bound.
    public var budget: RetryBudget?
    /// What the waits are waited with.
    public var clock: any RunClock
    /// Is told of each further call that is going to be made. Default nobody.
    public var onRetry: (@Sendable () -> Void)?

    /// A policy; what is left out is as LangChain has it, except for what ``retriesByDefault(_:)`` refuses.
    /// - Parameter attempts: at least 1.
    public init(
        attempts: Int = 3,
        waits: RetryWaits? = RetryWaits(),
        isRetryable: @escaping @Sendable (any Error) -> Bool = RetryPolicy.retriesByDefault,
        budget: RetryBudget? = nil,
        clock: any RunClock = .system
    ) {
        precondition(attempts >= 1, "a call is made once at least")
        self.attempts = attempts
        self.waits = waits
        self.isRetryable = isRetryable
        self.budget = budget
        self.clock = clock
    }

    /// Every error but cancellations and each ``RunError`` that does not say that a retry is safe: a refused key stays refused, and
    /// what may have taken effect upstream is not done twice.
    public static func retriesByDefault(_ error: any Error) -> Bool {
        guard let error = error as? RunError else { return !isCancellation(error) }
        return error.retry == .safe
    }

    /// When to call again after the call with a number, counted from 1, failed; nil for never.
    ///
    /// Never when that would not be before the deadline. The error's ``RunError/retryAfter`` is the least wait. Takes from the
    /// budget when it says yes.
    func nextCall(
        after error: any Error,
        call number: Int,
        deadline: ContinuousClock.Instant?
    ) -> ContinuousClock.Instant? {
        guard number < attempts, !isCancellation(error), !Task.isCancelled, isRetryable(error) else { return nil }
        let wait = max(waits?.wait(after: number) ?? .zero, (error as? RunError)?.retryAfter ?? .zero)
        let time = clock.now.advanced(by: wait)
        if let deadline, time >= deadline { return nil }
        if let budget, !budget.takeRetry() { return nil }
        onRetry?()
        return time
    }
}

/// Waits that grow, with a random part that keeps callers that failed together from coming back together.
public struct RetryWaits: Sendable {
    /// The wait after the first call, without its random part. Default 1 s.
    public var initial: Duration
    /// What each further wait is multiplied with. Default 2.
    public var base: Double
    /// The longest wait. Default none but a year.
    public var maximum: Duration
    /// The largest random part. Default 1 s.
    public var jitter: Duration
    /// A random number from 0 to 1.
    public var random: @Sendable () -> Double

    /// Waits; what is left out is as LangChain has it.
    public init(
        initial: Duration = .seconds(1),
        base: Double = 2,
        maximum: Duration = .seconds(31_536_000),
        jitter: Duration = .seconds(1),
        random: @escaping @Sendable () -> Double = { .random(in: 0...1) }
    ) {
        self.initial = initial
        self.base = base
        self.maximum = maximum
        self.jitter = jitter
        self.random = random
    }

    /// The wait after the call with a number, counted from 1: min(initial · base^(number − 1) + random part, maximum).
    public func wait(after number: Int) -> Duration {
        var factor = 1.0
        for _ in 1..<max(number, 1) where factor < 1e9 { factor *= base }
        return min(initial * min(factor, 1e9) + jitter * random(), maximum)
    }
}
