public import HTTP
import JSON

/// The trace that a request belongs to: what its spans are called, and what upstreams are told of it.
public struct CallTrace: Sendable {
    /// The trace.
    public let traceID: TraceID
    /// The caller's span; nil where the trace began here.
    public let parent: SpanID?
    /// As for `traceparent`.
    public let flags: UInt8
    /// The caller's `tracestate`, empty for none.
    public let state: [UInt8]
    /// Spans are numbered from here; nil where this program takes no part, and hands on what came.
    private let seed: UInt64?

    /// Whether spans are to be made of the request.
    public var isRecorded: Bool { seed != nil && flags & TraceParent.sampled != 0 }

    /// Numbers that each call has for its own span and the spans below it.
    private static let numbersOfCall = 8

    /// A trace that this program takes part in.
    ///
    /// - Parameter seed: random bits that no other request has.
    public init(traceID: TraceID, parent: SpanID?, flags: UInt8, state: [UInt8], seed: UInt64) {
        self.traceID = traceID
        self.parent = parent
        self.flags = flags
        self.state = state
        self.seed = seed
    }

    /// A caller's trace that is handed on as it came.
    public init(passing parent: TraceParent, state: [UInt8]) {
        traceID = parent.traceID
        self.parent = parent.spanID
        flags = parent.flags
        self.state = state
        seed = nil
    }

    /// The request's own span.
    public var request: TraceParent { TraceParent(traceID: traceID, spanID: span(0), flags: flags) }

    /// The span of a call, or of a part of it.
    ///
    /// - Parameters:
    ///   - number: the call's.
    ///   - part: 0 for the call itself, 1 to 7 for its parts.
    public func span(ofCall number: Int, part: Int = 0) -> SpanID {
        span((number + 1) * CallTrace.numbersOfCall + part)
    }

    /// SplitMix64: different numbers give different ids, without asking for random bits again.
    private func span(_ number: Int) -> SpanID {
        guard let seed else { return parent ?? SpanID(0) }
        var bits = seed &+ UInt64(number) &* 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return SpanID(bits ^ bits >> 31)
    }

    /// Appends the fields that an upstream gets with a call.
    func append(ofCall number: Int, to output: inout [UInt8]) {
        TraceParent(traceID: traceID, spanID: span(ofCall: number), flags: flags).appendLine(to: &output)
        guard !state.isEmpty else { return }
        output.appendRaw("tracestate: ")
        output.append(contentsOf: state)
        output.appendRaw("\r\n")
    }
}
