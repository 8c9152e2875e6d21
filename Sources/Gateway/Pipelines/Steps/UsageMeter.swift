import Runnable
import WorkerPool

/// Adds up what the models of one request took, however deep in a pipeline they are.
final class UsageMeter: Sendable {
    /// The meter of the request that the current task works for.
    @TaskLocal static var current: UsageMeter?

    private let state = Locked<(input: Int, output: Int)?>(nil)

    /// Adds what one answer took.
    func count(_ usage: UsageMetadata?) {
        guard let usage else { return }
        state.withLock { sum in
            sum = ((sum?.input ?? 0) &+ usage.inputTokens, (sum?.output ?? 0) &+ usage.outputTokens)
        }
    }

    /// All tokens so far, nil when no model told any.
    var total: (input: Int, output: Int)? { state.withLock { $0 } }
}
