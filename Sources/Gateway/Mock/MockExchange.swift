import EventLoop
import HTTP
import JSON
import Providers

/// One chat completion: waits, answers and misbehaves as its script says. Lives in the handler's task.
struct MockExchange {
    let request: MockRequest
    let response: ResponseWriter
    let service: MockService
    let number: Int
    /// The loop's own; its contents never outlive a call.
    let scratch: MockScratch
    let sleeper: LoopSleeper

    private var script: MockScript { request.script }

    private static let jsonFields: HTTPFields = ["content-type": "application/json"]
    private static let streamFields: HTTPFields = [
        "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache",
    ]

    /// Answers; ends early when the task is cancelled.
    func run() async {
        service.stats.began()
        do {
            try await answer()
        } catch {
            // Cancelled, or the wire ended as scripted: `interruption` tells which.
        }
        service.stats.ended(isCancelled: response.interruption != nil)
    }

    private func answer() async throws {
        if script.latency > .zero { try await sleeper.sleep(until: .now + script.latency) }
        if script.stall?.position == .head { try await stall(on: nil) }
        if script.cut?.position == .head {
            response.resetsAfterwards = script.cut?.ending == .reset
            return
        }
        let status = service.nextStatus(script)
        if status != 200 {
            try await fail(status)
        } else if request.isStreamed {
            try await stream()
        } else {
            try await answerWhole()
        }
    }

    private func fail(_ status: Int) async throws {
        var fields = fields(MockExchange.jsonFields)
        if let seconds = script.retryAfter { fields.append("retry-after", seconds) }
        let body = MockBodies.error(status: status, message: "The mock was told to answer \(status).")
        try await send(status, fields, body)
    }

    private func fields(_ fields: HTTPFields) -> HTTPFields {
        var fields = fields
        fields.append("x-mock-request", number)
        return fields
    }

    // MARK: Whole answers

    private func answerWhole() async throws {
        let count = request.tokens.count
        let duration = script.duration(ofTokens: count)
        if duration > .zero { try await generate(count, during: duration) }
        service.stats.produced(count)
        if case .token? = script.stall?.position { try await stall(on: nil) }
        var body: [UInt8] = []
        body.reserveCapacity(512 + count * 8)
        MockBodies(request, number: number).appendWhole(to: &body)
        try await send(200, fields(MockExchange.jsonFields), body)
    }

    /// Waits for as long as `count` tokens take. One that is cancelled has produced those that were due.
    private func generate(_ count: Int, during duration: Duration) async throws {
        let start = MonotonicTime.now
        do {
            try await sleeper.sleep(until: start + duration)
        } catch {
            let elapsed = MonotonicTime.now - start
            let due = (0..<count).prefix { script.delay(ofToken: $0) <= elapsed }
            service.stats.produced(due.count)
            throw error
        }
    }

    private func send(_ status: Int, _ fields: HTTPFields, _ body: [UInt8]) async throws {
        service.stats.answered(status)
        guard script.hasWireFault else { return response.respond(status: status, fields: fields, body: body) }
        let wire = FaultyWire(script, response, sleeper, length: body.count)
        try await wire.begin(status: status, fields: fields)
        if case .token? = script.cut?.position { try await wire.cut() }
        try await wire.send(body)
        try await wire.end()
    }

    // MARK: Streams

    private func stream() async throws {
        service.stats.answered(200)
        let bodies = MockBodies(request, number: number)
        let wire = script.hasWireFault ? FaultyWire(script, response, sleeper, length: nil) : nil
        if let wire {
            try await wire.begin(status: 200, fields: fields(MockExchange.streamFields))
        } else {
            response.start(status: 200, fields: fields(MockExchange.streamFields))
        }
        let start = MonotonicTime.now
        try await send(on: wire) { bodies.appendRole(to: &$0) }
        let isPaced = script.timeToFirstToken > .zero || script.interval > .zero
        for token in 0..<request.tokens.count {
            if isPaced, token == 0 || script.interval > .zero {
                try await sleeper.sleep(until: start + script.delay(ofToken: token))
            }
            guard try await reach(token, wire) else { return }
            service.stats.produced(1)
            try await send(on: wire) { bodies.appendToken(token, to: &$0) }
        }
        guard try await reach(request.tokens.count, wire) else { return }
        var pieces: [[UInt8]] = []
        var piece: [UInt8] = []
        bodies.appendEnding(to: &piece) { piece in
            pieces.append(piece)
            piece.removeAll(keepingCapacity: true)
        }
        for piece in pieces { try await send(on: wire) { $0.append(contentsOf: piece) } }
        try await end(wire)
    }

    /// Does what the script has in store for this place; false when the stream has ended here.
    private func reach(_ token: Int, _ wire: FaultyWire?) async throws -> Bool {
        if let stall = script.stall, stall.position == .token(token) { try await self.stall(on: wire) }
        if script.errorAfter == token {
            try await send(on: wire) { MockBodies.appendErrorEvent(to: &$0) }
            try await end(wire)
            return false
        }
        if let cut = script.cut, cut.position == .token(token) { try await wire?.cut() }
        return true
    }

    private func end(_ wire: FaultyWire?) async throws {
        if let wire { try await wire.end() } else { response.end() }
    }

    /// Sends what `build` appends as one chunk.
    private func send(on wire: FaultyWire?, _ build: (inout [UInt8]) -> Void) async throws {
        scratch.bytes.removeAll(keepingCapacity: true)
        build(&scratch.bytes)
        if let wire {
            try await wire.send(scratch.bytes)
        } else if !response.write(scratch.bytes) {
            try await response.drained()
        }
    }

    /// Falls silent, but for the comments it may send.
    private func stall(on wire: FaultyWire?) async throws {
        guard let stall = script.stall else { return }
        let end = stall.duration.map { .now + $0 } ?? MonotonicTime.distantFuture
        guard let pings = stall.pings else { return try await sleeper.sleep(until: end) }
        while true {
            let next = MonotonicTime.now + pings
            try await sleeper.sleep(until: min(next, end))
            guard next < end else { return }
            // A whole answer has nowhere to put them.
            if request.isStreamed { try await send(on: wire) { $0.appendRaw(": ping\n\n") } }
        }
    }
}

/// A buffer that all exchanges of a loop use in turns, never across a suspension.
final class MockScratch {
    var bytes: [UInt8] = []
}
