import Runnable

/// What `/metrics` says, read by hand, without the code under test.
struct Scrape {
    /// One line with a number.
    struct Sample {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    let text: String
    let samples: [Sample]

    init(_ text: String) throws {
        self.text = text
        samples = try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            guard let match = line.wholeMatch(of: /([a-z_]+)(?:\{(.*)\})? ([^ ]+)( # .*)?/), let value = Double(match.3)
            else { throw NotYet(description: "no sample: \(line)") }
            var labels: [String: String] = [:]
            for pair in (match.2 ?? "").matches(of: /([a-z_]+)="((?:[^"\\]|\\.)*)"/) {
                labels[String(pair.1)] = String(pair.2)
            }
            return Sample(name: String(match.1), labels: labels, value: value)
        }
    }

    /// The sum of all samples of that name that have these labels.
    func sum(_ name: String, _ labels: [String: String] = [:]) -> Double {
        samples.reduce(0) { sum, sample in
            let isMeant = sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
            return isMeant ? sum + sample.value : sum
        }
    }

    /// Names of all metrics that are described.
    var names: Set<String> {
        Set(text.matches(of: #/# TYPE ([a-z_]+)/#).map { String($0.1) })
    }

    /// Gauges that must be zero when nothing is going on, and are not.
    var busyGauges: [String] {
        samples.compactMap { sample in
            let isGauge =
                [
                    "headgate_requests_in_progress", "headgate_upstream_calls_in_progress",
                    "headgate_upstream_queued_requests", "headgate_pipeline_permits_held",
                    "headgate_pipeline_permits_waiting", "headgate_rate_limit_waiting", "headgate_client_connections",
                ].contains(sample.name)
                || sample.name == "headgate_upstream_connections" && sample.labels["state"] == "busy"
            return isGauge && sample.value != 0 ? "\(sample.name)\(sample.labels) \(sample.value)" : nil
        }
    }
}

extension Daemon {
    /// What the metrics say: at an address of their own, where the configuration has one.
    func scrape(_ fields: [String: String] = [:]) throws -> Scrape {
        let own = logged("metrics").last?["address"]?.string?.split(separator: ":").last.flatMap { Int($0) }
        let connection = try RawConnection(port: own ?? port)
        let lines = fields.map { "\($0.key): \($0.value)\r\n" }.joined()
        try connection.send("GET /metrics HTTP/1.1\r\nHost: test\r\n\(lines)\r\n")
        let reply = try connection.reply()
        guard reply.status == 200 else { throw NotYet(description: "/metrics: \(reply.status) \(reply.text)") }
        return try Scrape(reply.text)
    }
}
