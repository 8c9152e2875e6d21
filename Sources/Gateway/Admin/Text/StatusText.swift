public import Runnable

/// What `headgate status` prints for people, from what the daemon says.
public enum StatusText {
    /// Several lines, each with its end.
    public static func text(_ status: Value) -> String {
        let state = status["state"]?.string ?? "?"
        let uptime = ShortText.duration(milliseconds: (status["uptime_s"]?.integer ?? 0) * 1000)
        let file = status["configuration"]?["file"]?.string ?? "?"
        let loaded = status["configuration"]?["loaded"]?.string ?? "?"
        let listen = status["listen"]?.array?.compactMap(\.string).joined(separator: ", ") ?? ""
        let followers = number(status, "followers")
        var text = """
            headgate \(status["version"]?.string ?? "?"), pid \(number(status, "pid")), \(state), up \(uptime) \
            (since \(status["started"]?.string ?? "?"))
            configuration  \(file), loaded \(loaded)
            listening on   \(listen)
            under way      \(number(status, "requests")) requests, \(number(status, "streams")) of them streams; \
            \(number(status, "connections")) connections\(followers == 0 ? "" : "; \(followers) following")

            """
        for process in status["draining"]?.array ?? [] { text += "beside it      \(draining(process))\n" }
        text += table(loops(status["loops"]?.array ?? []))
        text += table(backends(status["backends"]?.array ?? []))
        return text
    }

    /// One line, for the head of `headgate top`.
    public static func headline(_ status: Value) -> String {
        let loops = status["loops"]?.array ?? []
        let lags = loops.compactMap { $0["lag_ms"]?.double }
        let silent = loops.filter { $0["answered"]?.bool == false }.compactMap { $0["name"]?.string }
        let lag =
            silent.isEmpty
            ? "lag \(ShortText.tenth(lags.max() ?? 0)) ms" : "NO ANSWER from \(silent.joined(separator: ", "))"
        let uptime = ShortText.duration(milliseconds: (status["uptime_s"]?.integer ?? 0) * 1000)
        return """
            headgate \(status["version"]?.string ?? "?")  pid \(number(status, "pid"))  \(status["state"]?.string ?? "?")  \
            up \(uptime)  \(number(status, "requests")) requests, \(number(status, "streams")) streams  \
            \(loops.count) loops, \(lag)
            """ + (status["draining"]?.array ?? []).map { "; \(draining($0))" }.joined()
    }

    /// A process that finishes what it has begun beside the one that serves.
    private static func draining(_ status: Value) -> String {
        "pid \(number(status, "pid")) drains: \(number(status, "requests")) requests, \(number(status, "streams")) of them streams"
    }

    private static func number(_ value: Value, _ key: String) -> Int { value[key]?.integer ?? 0 }

    private static func table(_ columns: [Columns.Column]) -> String {
        guard columns.first?.cells.isEmpty == false else { return "" }
        return "\n" + Columns(columns: columns).lines(width: .max, isColored: false).map { $0 + "\n" }.joined()
    }

    private static func loops(_ loops: [Value]) -> [Columns.Column] {
        let lags = loops.map { loop in
            guard loop["answered"]?.bool == true else {
                return "no answer, silent for \(ShortText.duration(milliseconds: number(loop, "silent_ms")))"
            }
            return "\(ShortText.tenth(loop["lag_ms"]?.double ?? 0)) ms"
        }
        return [
            .init(title: "LOOP", cells: loops.map { $0["name"]?.string ?? "?" }),
            counts("REQUESTS", loops, "requests"), counts("STREAMS", loops, "streams"),
            counts("CONNECTIONS", loops, "connections"), .init(title: "LAG", cells: lags),
        ]
    }

    private static func backends(_ backends: [Value]) -> [Columns.Column] {
        let outcomes = backends.map { backend in
            let members = backend["last_minute"]?.object.map { Array($0) } ?? []
            let words = members.map { "\($0.value.integer ?? 0) \($0.key)" }
            return words.isEmpty ? "-" : words.joined(separator: ", ")
        }
        return [
            .init(title: "BACKEND", cells: backends.map { $0["name"]?.string ?? "?" }),
            .init(title: "DIALECT", cells: backends.map { $0["dialect"]?.string ?? "?" }),
            counts("BUSY", backends, "busy"), counts("IDLE", backends, "idle"), counts("QUEUED", backends, "queued"),
            .init(title: "CALLS OF THE LAST MINUTE", cells: outcomes),
        ]
    }

    private static func counts(_ title: String, _ values: [Value], _ key: String) -> Columns.Column {
        .init(title: title, cells: values.map { $0[key]?.integer.map { "\($0)" } ?? "-" }, isRight: true)
    }
}
