import EventLoop
import HTTP
import JSON
import Providers
import Runnable

/// What one request came to, filled in as it goes on; the access line is made from it. Belongs to the request's task.
final class RunReport {
    /// The run's id, which is also the request's id unless the caller named one.
    var runID: RunID {
        didSet { calls?.runID = runID }
    }
    /// When the request's first byte came.
    let received: MonotonicTime
    /// When its last one did.
    let arrived: MonotonicTime
    /// The caller's `X-Request-Id`, where it sent a usable one.
    var requestID: String?
    /// The first failure, if any.
    var error: RunError?
    /// The caller's mistake was found before anything ran.
    var isRejected = false
    /// Tokens of prompts and answers, as upstreams report them.
    var inputTokens: Int?
    var outputTokens: Int?
    /// From the request's arrival to its first content.
    var firstToken: Duration?
    /// Items of a batch.
    var items: Int?
    /// Pieces of content so far.
    private(set) var contents = 0
    /// What is run and for whom; nil where nothing is.
    var run: Run?
    /// The calls of models it makes.
    var calls: CallLog?
    /// What was asked for, once that is known: the route, and what of it or of the daemon.
    var route: RouteService?
    var endpoint = EndpointLabel.none
    /// Where it stands in ``LiveRequests``.
    var place: Int?

    /// What a request runs.
    struct Run {
        let route: RouteService
        let method: RouteTable.RunMethod
        let request: ServerRequest
        let response: ResponseWriter
    }

    init(runID: RunID, received: MonotonicTime, arrived: MonotonicTime? = nil) {
        self.runID = runID
        self.received = received
        self.arrived = arrived ?? received
    }

    /// Notes that content was made; the first time tells the time to the first token.
    func producedContent() {
        contents += 1
        if firstToken == nil { firstToken = MonotonicTime.now - received }
    }

    /// Adds what an answer took.
    func count(_ usage: UsageMetadata?) {
        guard let usage else { return }
        inputTokens = (inputTokens ?? 0).addingClamped(usage.inputTokens)
        outputTokens = (outputTokens ?? 0).addingClamped(usage.outputTokens)
    }

    /// The trace it belongs to: one that is recorded here, or the caller's.
    var traceID: TraceID? {
        guard let trace = calls?.trace, trace.isRecorded || trace.parent != nil else { return nil }
        return trace.traceID
    }

    /// The fields of a JSON answer: its type, and the request's id.
    var fields: HTTPFields {
        var fields: HTTPFields = ["content-type": "application/json"]
        appendID(to: &fields)
        return fields
    }

    /// Names the request in the answer, and its trace where one is recorded, so that callers and logs talk of the same one.
    func appendID(to fields: inout HTTPFields) {
        if let trace = calls?.trace, trace.isRecorded { fields.append("traceresponse", trace.request) }
        if let requestID, fields.append("x-request-id", checking: requestID) { return }
        var text: [UInt8] = []
        text.reserveCapacity(36)
        runID.append(to: &text)
        text.withUnsafeBytes { id in
            _ = "x-request-id".utf8.withContiguousStorageIfAvailable { name in
                fields.append(UnsafeRawBufferPointer(name), checking: id)
            }
        }
    }
}

extension RunReport: ResponseFields {
    /// The same as ``appendID(to:)`` adds, as lines. A caller's id has no characters that would need a check.
    func append(to output: inout [UInt8]) {
        if let trace = calls?.trace, trace.isRecorded {
            output.appendRaw("traceresponse: ")
            trace.request.append(to: &output)
            output.appendRaw("\r\n")
        }
        output.appendRaw("x-request-id: ")
        if let requestID { output.append(contentsOf: requestID.utf8) } else { runID.append(to: &output) }
        output.appendRaw("\r\n")
    }
}

/// The caller's name for a request.
enum RequestID {
    /// Longer ids are not taken over: they go into every log line.
    static let longest = 128

    /// The `X-Request-Id` field where it is 1 to 128 visible ASCII characters without a secret of the configuration; nil otherwise.
    static func accepted(_ fields: HTTPFields, _ redactor: @autoclosure () -> Redactor) -> String? {
        guard let id = fields["x-request-id"], 1...longest ~= id.utf8.count,
            id.utf8.allSatisfy({ 0x21...0x7E ~= $0 }),
            // It would be in logs, tables and metrics, where callers' mistakes must not publish keys.
            redactor().redact(id) == id
        else { return nil }
        return id
    }
}

extension HTTPFields {
    fileprivate mutating func append(_ name: StaticString, _ parent: TraceParent) {
        var value: [UInt8] = []
        value.reserveCapacity(55)
        parent.append(to: &value)
        _ = append(name, checking: String(decoding: value, as: UTF8.self))
    }
}
