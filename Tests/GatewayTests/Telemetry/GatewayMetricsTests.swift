import EventLoop
import Glibc
import Runnable
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1)))
struct GatewayMetricsTests {
    private func samples(_ gateway: TestGateway, _ path: String = "/metrics") async throws -> MetricSamples {
        let reply = try await gateway.send(.get(path))
        #expect(reply.status == 200)
        return MetricSamples(reply.text)
    }

    @Test func `requests are counted by route, endpoint, outcome and status`() async throws {
        try await TestGateway.run(routesConfiguration(), loops: 2) { gateway in
            for _ in 0..<3 { _ = try await gateway.post("/invoke", #"{"input":"a"}"#) }
            _ = try await gateway.post("/chat/stream", #"{"input":"a"}"#)
            _ = try await gateway.post("/chat/batch", #"{"inputs":["a","b","c"]}"#)
            #expect(try await gateway.post("/fails/invoke", #"{"input":{"text":"a"}}"#).status == 502)
            #expect(try await gateway.post("/invoke", "{}").status == 422)
            _ = try await gateway.send(.get("/chat/input_schema"))
            _ = try await gateway.send(.get("/nothing"))
            let seen = try await samples(gateway)
            func requests(_ labels: String) -> Double? { seen["headgate_requests_total{\(labels)}"] }
            #expect(requests(#"route="/",endpoint="invoke",outcome="ok",status="2xx""#) == 3)
            #expect(requests(#"route="/",endpoint="invoke",outcome="client_error",status="4xx""#) == 1)
            #expect(requests(#"route="/chat",endpoint="stream",outcome="ok",status="2xx""#) == 1)
            #expect(requests(#"route="/chat",endpoint="input_schema",outcome="ok",status="2xx""#) == 1)
            #expect(requests(#"route="/fails",endpoint="invoke",outcome="upstream_error",status="5xx""#) == 1)
            #expect(requests(#"route="-",endpoint="-",outcome="client_error",status="4xx""#) == 1)
            #expect(seen[#"headgate_batch_items_total{route="/chat"}"#] == 3)
            #expect(seen.sum("headgate_requests_in_progress") == 0)
            let chat =
                #"gen_ai_operation_name="chat",gen_ai_provider_name="headgate",gen_ai_request_model="demo",route="/""#
            let durations = "gen_ai_server_request_duration_seconds_count"
            #expect(seen["\(durations){\(chat),endpoint=\"invoke\"}"] == 3)
            #expect(seen["\(durations){\(chat),endpoint=\"invoke\",error_type=\"caller_invalid\"}"] == 1)
            let flow = #"gen_ai_operation_name="invoke_workflow",gen_ai_provider_name="headgate",route="/fails""#
            #expect(seen["\(durations){\(flow),endpoint=\"invoke\",error_type=\"upstream_5xx\"}"] == 1)
            let call =
                #"gen_ai_operation_name="chat",gen_ai_provider_name="mock",gen_ai_request_model="demo",backend="echo""#
            #expect(seen["gen_ai_client_operation_duration_seconds_count{\(call)}"] == 7)
            #expect(seen["gen_ai_client_token_usage_count{\(call),gen_ai_token_type=\"output\"}"] == 7)
            #expect(seen["gen_ai_client_operation_time_to_first_chunk_seconds_count{\(call)}"] == 1)
            #expect(seen.sum("headgate_upstream_calls_in_progress") == 0)
        }
    }

    @Test func `retries, fallbacks, permits and waits for a rate show`() async throws {
        let configuration = """
            backends:
              good: {dialect: mock}
              bad: {dialect: mock, mock: {status: [500*1000]}}
              slow: {dialect: mock, mock: {latency: 1000s}}
            models: {good: {backend: good}, bad: {backend: bad}, slow: {backend: slow}}
            routes:
              /r: {pipeline: [{model: bad, retry: {attempts: 3, initial: 1ms, max: 1ms, jitter: 0ms}, fallbacks: [{model: good}]}]}
              /slow: {pipeline: [{model: slow, rate_limit: {per_second: 0.02, burst: 1}}], max_concurrency: 1}
              /permits: {pipeline: [{parallel: {a: {model: slow}, b: {model: slow}}}], max_concurrency: 2}
            """
        try await TestGateway.run(configuration) { gateway in
            #expect(try await gateway.post("/r/invoke", #"{"input":"a"}"#).status == 200)
            try await gateway.talk { connection in
                let waiting = try TestConnection(port: gateway.port)
                try connection.send(.post("/slow/invoke", #"{"input":"a"}"#))
                try waiting.send(.post("/permits/batch", #"{"inputs":["a","b"]}"#))
                let scraper = try TestConnection(port: gateway.port)
                var seen = MetricSamples("")
                for _ in 0..<1000 {
                    try scraper.send(.get("/metrics"))
                    seen = MetricSamples(try scraper.reply().text)
                    if seen["headgate_pipeline_permits_waiting"] == 2, seen.sum("headgate_rate_limit_waiting") == 1 {
                        break
                    }
                    usleep(1000)
                }
                #expect(seen["headgate_pipeline_permits_held"] == 2)
                #expect(seen["headgate_pipeline_permits_waiting"] == 2)
                #expect(seen[#"headgate_rate_limit_waiting{step="routes./slow.pipeline[0]"}"#] == 1)
                #expect(seen[#"headgate_retries_total{route="/r"}"#] == 2)
                #expect(seen[#"headgate_fallbacks_total{route="/r"}"#] == 1)
                #expect(seen[#"headgate_retry_budget_available{route="/r"}"#] == 8)
                #expect(seen[#"headgate_requests_in_progress{route="/permits",endpoint="batch"}"#] == 1)
                connection.reset()
                waiting.reset()
                for _ in 0..<1000 {
                    try scraper.send(.get("/metrics"))
                    seen = MetricSamples(try scraper.reply().text)
                    if seen.sum("headgate_requests_in_progress") == 0 { break }
                    usleep(1000)
                }
                for gauge in [
                    "pipeline_permits_held", "pipeline_permits_waiting", "rate_limit_waiting", "requests_in_progress",
                ] {
                    #expect(seen.sum("headgate_\(gauge)") == 0, "\(gauge)")
                }
                #expect(seen.sum("headgate_upstream_calls_in_progress") == 0)
            }
        }
    }

    @Test func `a stuck loop holds up no scrape, and its counters stay`() async throws {
        try await TestGateway.run(
            mockConfiguration(),
            loops: 2,
            change: { $0.metrics.listen = .ipv4(host: "127.0.0.1", port: 0) },
            { gateway in
                guard case .ipv4(_, let port)? = gateway.gateway.metricsAddress else {
                    throw TestConnection.Failure(description: "no address of its own")
                }
                let scrape: @Sendable () async throws -> MetricSamples = {
                    try await onThread {
                        let connection = try TestConnection(port: port)
                        try connection.send(.get("/metrics"))
                        return MetricSamples(try connection.reply().text)
                    }
                }
                #expect(try await gateway.send(.get("/metrics")).status == 404)
                for _ in 0..<8 { _ = try await gateway.post("/invoke", #"{"input":"a"}"#) }
                let before = try await scrape()
                #expect(before.sum("headgate_requests_total") == 9)
                #expect(before["headgate_metrics_loops_unanswered"] == 0)
                let hold = Hold()
                gateway.gateway.loops[1].execute { hold.wait() }
                let during = try await scrape()
                let again = try await scrape()
                hold.end()
                #expect(during["headgate_metrics_loops_unanswered"] == 1)
                #expect(during.sum("headgate_requests_total") == 9)
                #expect(again["headgate_metrics_loops_unanswered"] == 1)
                #expect(again[#"headgate_loop_lag_max_seconds{loop="loop-1"}"#] ?? 0 >= 1)
                var after = try await scrape()
                while after["headgate_metrics_loops_unanswered"] != 0 { after = try await scrape() }
                #expect(after.sum("headgate_requests_total") == 9)
            }
        )
    }

    @Test func `scrapes are bounded in number`() async throws {
        try await TestGateway.run(mockConfiguration(), loops: 2) { gateway in
            let hold = Hold()
            let loops = gateway.gateway.loops
            loops[1].execute { hold.wait() }
            // Jobs of one loop begin in their order: the last finds all others waiting for the stuck loop.
            let scrapes = (0...GatewayMetrics.mostAtOnce).map { _ in
                Task(executorPreference: loops[0]) {
                    await gateway.gateway.metrics.scrape(.prometheus, on: loops[0])
                }
            }
            var answers: [Bool] = []
            for scrape in scrapes { answers.append(await scrape.value != nil) }
            hold.end()
            #expect(answers == [true, true, true, true, false])
            let seen = try await samples(gateway)
            #expect(seen["headgate_metrics_scrapes_refused_total"] == 1)
        }
    }

    @Test func `a reload keeps all counts, and switches counting off and on`() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            _ = try await gateway.post("/invoke", #"{"input":"a"}"#)
            var next = gateway.configuration
            next.routes.removeAll { $0.path == "/" }
            next.metrics.path = "/counts"
            try await gateway.gateway.reload(next)
            #expect(try await gateway.send(.get("/metrics")).status == 404)
            let removed = #"headgate_requests_total{route="/",endpoint="invoke",outcome="ok",status="2xx"}"#
            var seen = try await samples(gateway, "/counts")
            #expect(seen[removed] == 1)
            #expect(seen[#"headgate_config_reloads_total{result="success"}"#] == 1)
            next.metrics.enabled = false
            try await gateway.gateway.reload(next)
            #expect(try await gateway.send(.get("/counts")).status == 404)
            try await gateway.gateway.reload(gateway.configuration)
            _ = try await gateway.post("/invoke", #"{"input":"a"}"#)
            seen = try await samples(gateway)
            #expect(seen[removed] == 2)
            // That to /metrics, which was 404, is from before it was switched off; that to /counts from after.
            #expect(seen[#"headgate_requests_total{route="-",endpoint="-",outcome="client_error",status="4xx"}"#] == 1)
            gateway.gateway.reloadFailed()
            seen = try await samples(gateway)
            #expect(seen["headgate_config_last_reload_successful"] == 0)
            #expect(seen[#"headgate_config_reloads_total{result="failure"}"#] == 1)
        }
    }

    @Test func `a request that runs while counting is switched off is counted to its end`() async throws {
        try await TestGateway.run(mockConfiguration("latency: 300ms")) { gateway in
            async let slow = gateway.post("/invoke", #"{"input":"a"}"#)
            var isRunning = false
            while !isRunning { isRunning = try await samples(gateway).sum("headgate_requests_in_progress") == 1 }
            var off = gateway.configuration
            off.metrics.enabled = false
            try await gateway.gateway.reload(off)
            #expect(try await slow.status == 200)
            try await gateway.gateway.reload(gateway.configuration)
            let seen = try await samples(gateway)
            #expect(seen[#"headgate_requests_in_progress{route="/",endpoint="invoke"}"#] == 0)
            #expect(seen.sum("headgate_upstream_calls_in_progress") == 0)
        }
    }

    @Test func `names beyond the bound are other`() async throws {
        try await TestGateway.run(mockConfiguration(), change: { $0.metrics.maxNames = 1 }) { gateway in
            _ = try await gateway.post("/invoke", #"{"input":"a"}"#)
            _ = try await gateway.post("/chat/invoke", #"{"input":"a"}"#)
            let seen = try await samples(gateway)
            #expect(seen[#"headgate_requests_total{route="/",endpoint="invoke",outcome="ok",status="2xx"}"#] == 1)
            #expect(seen[#"headgate_requests_total{route="_other",endpoint="invoke",outcome="ok",status="2xx"}"#] == 1)
            #expect(seen["headgate_metrics_names_overflowed"] == 1)
        }
    }

    @Test func `a path that had two models has one series of its own requests`() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            _ = try await gateway.post("/invoke", #"{"input":"a"}"#)
            var next = gateway.configuration
            next.routes[0].model = "other"
            try await gateway.gateway.reload(next)
            _ = try await gateway.post("/invoke", #"{"input":"a"}"#)
            let reply = try await gateway.send(.get("/metrics"))
            let lines = reply.text.split(separator: "\n").filter { $0.hasPrefix("headgate_requests_total{route=\"/\"") }
            #expect(lines == [#"headgate_requests_total{route="/",endpoint="invoke",outcome="ok",status="2xx"} 2"#])
            let samples = reply.text.split(separator: "\n").compactMap { $0.split(separator: " ").first }
            let names = samples.filter { $0 != "#" }
            #expect(Set(names).count == names.count, "a series twice")
        }
    }

    @Test func `HEAD, other methods and caches`() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let head = try await gateway.send(TestRequest(method: "HEAD", path: "/metrics"))
            #expect(head.status == 200 && head.text.isEmpty)
            #expect(head["cache-control"] == "no-store")
            #expect(head["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            let post = try await gateway.post("/metrics", "{}")
            #expect(post.status == 405)
            #expect(post["allow"] == "GET, HEAD")
            let open = try await gateway.send(.get("/metrics", "Accept: application/openmetrics-text; version=1.0.0"))
            #expect(open["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
            #expect(open.text.hasSuffix("\n# EOF\n"))
        }
    }
}
