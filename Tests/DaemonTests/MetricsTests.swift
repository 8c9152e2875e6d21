import Foundation
import Glibc
import Runnable
import Testing

/// `/metrics` of the real executable.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct MetricsTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(name), encoding: .utf8)
    }

    @Test func `what upstreams, clients and the process do shows`() throws {
        let mock = try MockUpstream("--tokens 8", "--interval 2ms")
        let daemon = try Daemon(mock.configuration(loops: 2, more: "metrics: {listen: \"127.0.0.1:0\"}"))
        #expect(try daemon.post("/invoke", #"{"input":"a"}"#).status == 200)
        #expect(try daemon.post("/stream", #"{"input":"a"}"#).ending == .complete)
        _ = try daemon.accessLines(2)
        let scrape = try daemon.scrape()
        #expect(scrape.sum("headgate_requests_total", ["outcome": "ok", "status": "2xx"]) == 2)
        #expect(scrape.sum("gen_ai_server_time_to_first_token_seconds_count", ["endpoint": "stream"]) == 1)
        #expect(scrape.sum("gen_ai_server_time_per_output_token_seconds_count") == 1)
        #expect(scrape.sum("gen_ai_client_token_usage_sum", ["gen_ai_token_type": "output"]) == 16)
        #expect(scrape.sum("headgate_upstream_connect_seconds_count") >= 1)
        #expect(scrape.sum("headgate_upstream_connections", ["state": "idle"]) >= 1)
        #expect(scrape.sum("headgate_upstream_received_bytes_total", ["backend": "mock"]) > 1000)
        #expect(scrape.sum("headgate_upstream_sent_bytes_total") > 100)
        #expect(scrape.sum("headgate_client_received_bytes_total") > 100)
        #expect(scrape.sum("headgate_client_sent_bytes_total") > scrape.sum("headgate_response_body_bytes_total"))
        #expect(scrape.sum("headgate_client_connections_accepted_total") == 2)
        #expect(scrape.sum("headgate_loops") == 2)
        #expect(scrape.sum("headgate_config_last_reload_successful") == 1)
        #expect(scrape.sum("process_resident_memory_bytes") > 1_000_000)
        #expect(Int(scrape.sum("process_open_fds")) >= daemon.socketCount)
        #expect(abs(scrape.sum("process_start_time_seconds") - Date().timeIntervalSince1970) < 300)
        // Its own address serves nothing else, and clients are not told.
        #expect(try daemon.get("/metrics").status == 404)
    }

    @Test func `reloads are counted, and what they change is not forgotten`() throws {
        let good = "backends: {m: {dialect: mock}}\nmodels: {demo: {backend: m}}\nroutes: {/a: {model: demo}}\n"
        let daemon = try Daemon(good)
        #expect(try daemon.post("/a/invoke", #"{"input":"a"}"#).status == 200)
        let hash = try daemon.scrape().samples.first { $0.name == "headgate_config_info" }?.labels["hash"]
        try daemon.rewrite("routes: 5\n")
        daemon.process.signal(SIGHUP)
        try eventually("no failure") {
            try daemon.scrape().sum("headgate_config_reloads_total", ["result": "failure"]) == 1
        }
        #expect(try daemon.scrape().sum("headgate_config_last_reload_successful") == 0)
        try daemon.rewrite(good.replacingOccurrences(of: "/a:", with: "/b:"))
        daemon.process.signal(SIGHUP)
        try eventually("no success") {
            try daemon.scrape().sum("headgate_config_reloads_total", ["result": "success"]) == 1
        }
        let scrape = try daemon.scrape()
        #expect(scrape.sum("headgate_config_last_reload_successful") == 1)
        #expect(scrape.sum("headgate_requests_total", ["route": "/a", "outcome": "ok"]) == 1)
        #expect(scrape.samples.first { $0.name == "headgate_config_info" }?.labels["hash"] != hash)
    }

    @Test func `a drain shows at an address of their own, and nowhere else`() throws {
        let mock = try MockUpstream("--tokens 100000", "--interval 10ms")
        let daemon = try Daemon(mock.configuration(more: "metrics: {listen: \"127.0.0.1:0\"}"))
        #expect(try daemon.scrape().sum("headgate_draining") == 0)
        let stream = try daemon.connect()
        try stream.post("/stream", #"{"input":"a"}"#)
        try stream.replySoFar { $0.events.count >= 3 }
        daemon.process.signal(SIGTERM)
        try eventually("no drain") { try daemon.scrape().sum("headgate_draining") == 1 }
        #expect(try daemon.scrape().sum("headgate_requests_in_progress", ["endpoint": "stream"]) == 1)
        stream.reset()
        #expect(try daemon.process.wait() == .exited(0))
    }

    @Test func `a drain closes a scraper's connection where clients connect`() throws {
        let mock = try MockUpstream("--tokens 100000", "--interval 10ms")
        let daemon = try Daemon(mock.configuration())
        let scraper = try daemon.connect()
        try scraper.get("/metrics")
        #expect(try scraper.reply().status == 200)
        let stream = try daemon.connect()
        try stream.post("/stream", #"{"input":"a"}"#)
        try stream.replySoFar { $0.events.count >= 3 }
        daemon.process.signal(SIGTERM)
        #expect(try scraper.isClosed())
        stream.reset()
        #expect(try daemon.process.wait() == .exited(0))
    }

    /// Histograms are asked for by their parts.
    private static func isKnown(_ name: Substring, _ names: Set<String>) -> Bool {
        if names.contains(String(name)) { return true }
        return ["_bucket", "_sum", "_count"].contains { part in
            name.hasSuffix(part) && names.contains(String(name.dropLast(part.count)))
        }
    }

    @Test(arguments: [
        "Config/grafana/headgate.json", "Config/prometheus/alerts.yaml", "docs/metrics.md", "docs/operations.md",
    ])
    func `every metric that is named there exists`(file: String) throws {
        let daemon = try Daemon(
            "backends: {m: {dialect: mock}}\nmodels: {demo: {backend: m}}\nroutes: {/: {model: demo}}\n"
        )
        let names = try daemon.scrape().names
        let named = try Self.text(file).matches(of: /\b(?:headgate|gen_ai_client|gen_ai_server|process)_[a-z_]*[a-z]\b/)
        #expect(named.count > 5)
        // Labels of the conventions begin like their metrics.
        let labels: Set<Substring> = ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"]
        for name in named.map(\.output) where !labels.contains(name) {
            #expect(Self.isKnown(name, names), "\(name) in \(file)")
        }
    }

    @Test func `the dashboard is one`() throws {
        let value = try Value(parsing: Self.text("Config/grafana/headgate.json"))
        let panels = try #require(value["panels"]?.array)
        #expect(panels.count > 20)
        let ids = panels.compactMap { $0["id"]?.integer }
        #expect(ids.count == panels.count && Set(ids).count == ids.count)
        var taken: Set<[Int]> = []
        for panel in panels {
            let place = try #require(panel["gridPos"])
            let (x, y) = (try #require(place["x"]?.integer), try #require(place["y"]?.integer))
            let (width, height) = (try #require(place["w"]?.integer), try #require(place["h"]?.integer))
            #expect(x + width <= 24)
            for column in x..<(x + width) {
                for row in y..<(y + height) {
                    #expect(taken.insert([column, row]).inserted, "\(panel["title"] as Any) overlaps")
                }
            }
            guard panel["type"]?.string != "row" else { continue }
            #expect(panel["targets"]?.array?.isEmpty == false, "\(panel["title"] as Any)")
        }
    }
}
