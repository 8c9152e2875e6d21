import EventLoop
import HTTP
import JSON
import Providers

extension MockExchange {
    /// Answers by a script that has faults in it.
    func misbehave() async throws {
        let script = request.script
        if script.stall?.position == .head { try await stall(on: nil) }
        if script.cut?.position == .head {
            response.resetsAfterwards = script.cut?.ending == .reset
            response.abort()
            return
        }
        let (status, fields) = takeStatus()
        if status != 200 {
            let body = MockBodies.error(status: status, message: "The mock was told to answer \(status).")
            try await send(status, fields, body)
        } else if request.isStreamed {
            try await streamBadly()
        } else {
            try await generate()
            if case .token? = script.stall?.position { try await stall(on: nil) }
            try await send(200, fields, wholeBody)
        }
    }

    private func send(_ status: Int, _ fields: HTTPFields, _ body: [UInt8]) async throws {
        answered(status)
        guard request.script.hasWireFault else {
            return response.respond(status: status, fields: fields, body: body)
        }
        let wire = FaultyWire(request.script, response, sleeper, length: body.count)
        try await wire.begin(status: status, fields: fields)
        if case .token? = request.script.cut?.position { try await wire.cut() }
        try await wire.send(body)
        try await wire.end()
    }

    private func streamBadly() async throws {
        answered(200)
        let wire = request.script.hasWireFault ? FaultyWire(request.script, response, sleeper, length: nil) : nil
        beganHead()
        if let wire {
            try await wire.begin(status: 200, fields: streamFields)
        } else {
            response.start(status: 200, fields: streamFields)
        }
        try await send(part { $0.appendRole(to: &$1) }, on: wire)
        for token in 0..<request.tokens.count {
            if let due = due(token) { try await sleeper.sleep(until: due) }
            guard try await reach(token, wire) else { return }
            produced(1)
            try await send(part { $0.appendToken(token, to: &$1) }, on: wire)
        }
        guard try await reach(request.tokens.count, wire) else { return }
        for ending in MockBodies.Ending.allCases {
            try await send(part { $0.append(ending, to: &$1) }, on: wire)
        }
        try await end(wire)
    }

    /// Does what the script has in store for this place; false when the stream has ended here.
    private func reach(_ token: Int, _ wire: FaultyWire?) async throws -> Bool {
        let script = request.script
        if script.stall?.position == .token(token) { try await stall(on: wire) }
        if script.errorAfter == token {
            try await send(part { _, bytes in MockBodies.appendErrorEvent(to: &bytes) }, on: wire)
            try await end(wire)
            return false
        }
        if script.cut?.position == .token(token) { try await wire?.cut() }
        return true
    }

    private func send(_ bytes: [UInt8], on wire: FaultyWire?) async throws {
        guard !bytes.isEmpty else { return }
        if let wire {
            try await wire.send(bytes)
        } else if !response.write(bytes) {
            try await response.drained()
        }
    }

    private func end(_ wire: FaultyWire?) async throws {
        if let wire { try await wire.end() } else { response.end() }
    }

    /// Falls silent, but for the comments it may send.
    private func stall(on wire: FaultyWire?) async throws {
        guard let stall = request.script.stall else { return }
        let end = stall.duration.map { .now + $0 } ?? MonotonicTime.distantFuture
        guard let pings = stall.pings else { return try await sleeper.sleep(until: end) }
        while true {
            let next = MonotonicTime.now + pings
            try await sleeper.sleep(until: min(next, end))
            guard next < end else { return }
            // A whole answer has nowhere to put them.
            if request.isStreamed { try await send(Array(": ping\n\n".utf8), on: wire) }
        }
    }
}
