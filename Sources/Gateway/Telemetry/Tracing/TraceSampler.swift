import HTTP
import Providers
import Runnable

/// Decides which requests are traced.
struct TraceSampler: Sendable {
    /// Whether a caller's flag decides about its own requests.
    private let followsCallers: Bool
    /// Ids whose last seven bytes are at least this are sampled: all services with one ratio choose the same traces.
    private let threshold: UInt64

    /// Ids have 56 random bits (W3C Trace Context, level 2).
    private static let bits: UInt64 = 56

    init(_ settings: TracingSettings) {
        followsCallers = settings.sampling == .parent
        let whole = Double(sign: .plus, exponent: Int(TraceSampler.bits), significand: 1)
        threshold = UInt64(((1 - settings.sample) * whole).rounded())
    }

    /// The trace of a request.
    ///
    /// - Parameters:
    ///   - runID: the request's own random id, which a trace that begins here is called after.
    ///   - parent: what the caller says.
    ///   - state: the caller's too.
    func trace(_ runID: RunID, _ parent: TraceParent?, state: @autoclosure () -> [UInt8]?) -> CallTrace {
        let id = parent?.traceID ?? TraceID(high: runID.high, low: runID.low)
        let isRandom = parent.map { $0.flags & TraceParent.random } ?? TraceParent.random
        let isSampled: Bool
        if followsCallers, let parent { isSampled = parent.isSampled } else { isSampled = contains(id) }
        return CallTrace(
            traceID: id,
            parent: parent?.spanID,
            flags: isRandom | (isSampled ? TraceParent.sampled : 0),
            state: parent == nil ? [] : state() ?? [],
            // Two halves of an id that is drawn for each request: other requests of the same trace have others.
            seed: runID.high ^ (runID.low << 32 | runID.low >> 32)
        )
    }

    private func contains(_ id: TraceID) -> Bool { id.low & (1 << TraceSampler.bits - 1) >= threshold }
}
