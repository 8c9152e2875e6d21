import EventLoop
import HTTP
import JSON
import Providers

/// One chat completion: waits, answers and misbehaves as its script says. Lives in the handler's task.
///
/// Thousands of streams are mostly suspended calls, so what a call keeps while it waits is kept small: state lives in the
/// class, and everything that does not wait is a function of its own that is never inlined into one that does.
final class MockExchange {
    let request: MockRequest
    let response: ResponseWriter
    let sleeper: LoopSleeper
    private let service: MockService
    private let number: Int
    /// The loop's own; its contents never outlive a call.
    private let scratch: MockScratch
    private let bodies: MockBodies
    private var headTime = MonotonicTime.now

    private static let jsonFields: HTTPFields = ["content-type": "application/json"]
    private static let streamFields: HTTPFields = [
        "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache",
    ]

    init(
        _ request: MockRequest,
        _ response: ResponseWriter,
        service: MockService,
        scratch: MockScratch,
        sleeper: LoopSleeper
    ) {
        self.request = request
        self.response = response
        self.service = service
        self.scratch = scratch
        self.sleeper = sleeper
        number = service.nextRequestNumber()
        bodies = MockBodies(request)
    }

    /// Answers; ends early when the task is cancelled.
    func run() async {
        service.stats.began()
        do {
            if request.script.latency > .zero { try await sleeper.sleep(until: .now + request.script.latency) }
            if !request.hasFaults {
                if request.isStreamed { try await stream() } else { try await answerWhole() }
            } else {
                try await misbehave()
            }
        } catch {
            // Cancelled, or the wire ended as scripted: `interruption` tells which.
        }
        service.stats.ended(isCancelled: response.interruption != nil)
    }

    // MARK: As it should be

    private func stream() async throws {
        beginStream()
        for token in 0..<request.tokens.count {
            if let due = due(token) { try await sleeper.sleep(until: due) }
            if !write(token: token) { try await response.drained() }
        }
        endStream()
    }

    @inline(never)
    private func beginStream() {
        service.stats.answered(200)
        headTime = .now
        response.start(status: 200, fields: streamFields)
        write { bodies.appendRole(to: &$0) }
    }

    /// When a token is to be sent; nil for at once.
    @inline(never)
    func due(_ token: Int) -> MonotonicTime? {
        let script = request.script
        guard token == 0 ? script.timeToFirstToken > .zero : script.interval > .zero else { return nil }
        return headTime + script.delay(ofToken: token)
    }

    /// False when the client is slow.
    @inline(never)
    private func write(token: Int) -> Bool {
        service.stats.produced(1)
        return write { bodies.appendToken(token, to: &$0) }
    }

    @inline(never)
    private func endStream() {
        for part in MockBodies.Ending.allCases { write { bodies.append(part, to: &$0) } }
        response.end()
    }

    @discardableResult
    private func write(_ build: (inout [UInt8]) -> Void) -> Bool {
        scratch.bytes.removeAll(keepingCapacity: true)
        build(&scratch.bytes)
        return response.write(scratch.bytes)
    }

    private func answerWhole() async throws {
        try await generate()
        respond()
    }

    @inline(never)
    private func respond() {
        service.stats.answered(200)
        response.respond(status: 200, fields: wholeFields, body: wholeBody)
    }

    /// Waits for as long as a whole answer takes. When cancelled, the tokens that were due have been produced.
    func generate() async throws {
        let count = request.tokens.count
        let duration = request.script.duration(ofTokens: count)
        guard duration > .zero else { return service.stats.produced(count) }
        headTime = .now
        do {
            try await sleeper.sleep(until: headTime + duration)
            service.stats.produced(count)
        } catch {
            let elapsed = MonotonicTime.now - headTime
            service.stats.produced((0..<count).prefix { request.script.delay(ofToken: $0) <= elapsed }.count)
            throw error
        }
    }

    // MARK: Parts, also for those who misbehave

    var streamFields: HTTPFields { numbered(MockExchange.streamFields) }

    var wholeFields: HTTPFields { numbered(MockExchange.jsonFields) }

    private func numbered(_ fields: HTTPFields) -> HTTPFields {
        var fields = fields
        fields.append("x-mock-request", number)
        return fields
    }

    var wholeBody: [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(512 + request.tokens.count * 8)
        bodies.appendWhole(to: &body)
        return body
    }

    /// The bytes of one part of a stream; empty when the script leaves it out.
    func part(_ build: (MockBodies, inout [UInt8]) -> Void) -> [UInt8] {
        var bytes: [UInt8] = []
        build(bodies, &bytes)
        return bytes
    }

    /// The status of this request, and the fields of a failure.
    func takeStatus() -> (status: Int, fields: HTTPFields) {
        let status = service.nextStatus(request.script)
        var fields = wholeFields
        if status != 200, let seconds = request.script.retryAfter { fields.append("retry-after", seconds) }
        return (status, fields)
    }

    func answered(_ status: Int) { service.stats.answered(status) }

    func produced(_ count: Int) { service.stats.produced(count) }

    func beganHead() { headTime = .now }
}

/// A buffer that all exchanges of a loop use in turns, never across a suspension.
final class MockScratch {
    var bytes: [UInt8] = []
}
