import EventLoop
import Glibc
import HTTP
import Runnable

extension AdminService {
    /// How far back the backends' outcomes go.
    private static let recent = Duration.seconds(60)

    /// What one loop says about itself.
    private struct LoopPart: Sendable {
        let requests: Int
        let streams: Int
        let connections: Int
        /// Of each backend's client.
        let loads: [String: (busy: Int, idle: Int, queued: Int)]
        let outcomes: [String: [String: Int]]
    }

    /// The service as a whole.
    func status(isolation: isolated (any Actor)? = #isolation) async -> Value {
        let configuration = await gateway.configurationInForce
        let clients = await gateway.clients
        let answers = await ask { runtime, number in
            let telemetry = runtime.telemetry.value
            return LoopPart(
                requests: telemetry.live.count,
                streams: telemetry.live.streamCount,
                connections: runtime.server.assumeIsolated { $0.connectionCount },
                loads: clients[number].mapValues { $0.client.assumeIsolated { $0.load } },
                outcomes: telemetry.recentCalls.outcomes(since: .now + (.zero - AdminService.recent))
            )
        }
        let parts = answers.compactMap { $0?.answer }
        func sum(_ count: (LoopPart) -> Int) -> Value { .integer(parts.reduce(0) { $0 + count($1) }) }
        return [
            "version": .string(Gateway.version), "pid": .integer(Int(getpid())),
            "state": gateway.isStopping ? "draining" : "serving", "started": .string(started.text),
            "uptime_s": .integer(Int((MonotonicTime.now - begun).wholeMilliseconds / 1000)),
            "configuration": [
                "file": .string(configuration.file), "loaded": .string(configuration.loaded.text),
            ],
            "listen": .array(gateway.addresses.map { .string($0.description) }),
            "requests": sum(\.requests), "streams": sum(\.streams), "connections": sum(\.connections),
            "followers": .integer(hub.value.count), "loops": loops(answers),
            "backends": .array(configuration.value.backends.map { backend($0, parts) }),
        ]
    }

    private func loops(_ answers: [LoopAnswer<LoopPart>?]) -> Value {
        .array(
            zip(gateway.runtimes, answers).map { runtime, answer in
                let name = Value.string(runtime.loop.name)
                guard let answer else {
                    let silence = (MonotonicTime.now - runtime.loop.lastTurn).wholeMilliseconds
                    return ["name": name, "answered": false, "silent_ms": .integer(Int(silence))]
                }
                let part = answer.answer
                return [
                    "name": name, "answered": true,
                    "lag_ms": .double(Double(answer.lag.wholeMicroseconds) / 1000),
                    "requests": .integer(part.requests), "streams": .integer(part.streams),
                    "connections": .integer(part.connections),
                ]
            }
        )
    }

    private func backend(_ settings: BackendSettings, _ parts: [LoopPart]) -> Value {
        var load = (busy: 0, idle: 0, queued: 0)
        var outcomes: [String: Int] = [:]
        for part in parts {
            if let share = part.loads[settings.name] {
                load.busy += share.busy
                load.idle += share.idle
                load.queued += share.queued
            }
            outcomes.merge(part.outcomes[settings.name] ?? [:]) { $0 + $1 }
        }
        let recent = outcomes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return [
            "name": .string(settings.name), "dialect": .string(settings.dialect.rawValue),
            "busy": .integer(load.busy), "idle": .integer(load.idle), "queued": .integer(load.queued),
            "last_minute": .object(Value.Object(recent.map { ($0.key, .integer($0.value)) })),
        ]
    }
}

extension LogTime {
    /// RFC 3339 in UTC, with milliseconds.
    var text: String {
        var stamp = LogTimestamp(.full, clock: LogClock(now: { self }, utcOffset: { _ in 0 }))
        var line = LineBuffer()
        stamp.append(to: &line)
        return String(decoding: line.bytes, as: UTF8.self)
    }
}
