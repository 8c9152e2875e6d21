import EventLoop
import Runnable
import Testing

@testable import Gateway

/// Metrics at an address of their own.
@Suite(.timeLimit(.minutes(1)))
struct MetricsListenerTests {
    private func run(
        change: (inout Configuration) -> Void = { _ in },
        _ body: (TestGateway, UInt16) async throws -> Void
    ) async throws {
        try await TestGateway.run(
            mockConfiguration(),
            change: { configuration in
                configuration.metrics.listen = .ipv4(host: "127.0.0.1", port: 0)
                change(&configuration)
            },
            { gateway in
                guard case .ipv4(_, let port)? = gateway.gateway.metricsAddress else {
                    throw TestConnection.Failure(description: "no address of its own")
                }
                try await body(gateway, port)
            }
        )
    }

    private func send(_ request: TestRequest, to port: UInt16) async throws -> TestReply {
        try await onThread {
            let connection = try TestConnection(port: port)
            defer { connection.close() }
            try connection.send(request)
            return try connection.reply()
        }
    }

    // MARK: Reloading

    @Test(arguments: [true, false])
    func `a reload switches them off and on, whatever was at the start`(startsEnabled: Bool) async throws {
        try await run(change: { $0.metrics.enabled = startsEnabled }) { gateway, port in
            var next = gateway.configuration
            for enabled in [startsEnabled, !startsEnabled, startsEnabled] {
                next.metrics.enabled = enabled
                try await gateway.gateway.reload(next)
                #expect(try await send(.get("/metrics"), to: port).status == (enabled ? 200 : 404))
            }
            next.metrics.enabled = true
            next.metrics.path = "/counts"
            try await gateway.gateway.reload(next)
            #expect(try await send(.get("/metrics"), to: port).status == 404)
            #expect(try await send(.get("/counts"), to: port).status == 200)
        }
    }

    @Test func `a reload cannot change the address`() async throws {
        try await run { gateway, _ in
            var next = gateway.configuration
            next.metrics.listen = nil
            await #expect {
                try await gateway.gateway.reload(next)
            } throws: { error in
                (error as? ConfigurationErrors)?.errors.map(\.key) == ["metrics.listen"]
            }
        }
    }

    // MARK: Answers

    @Test func `every answer names its request and says what it took`() async throws {
        try await run { _, port in
            for (request, status) in [
                (TestRequest.get("/metrics", "X-Request-Id: mine"), 200), (.get("/", "X-Request-Id: mine"), 404),
                (TestRequest(path: "/metrics", fields: ["X-Request-Id: mine"]), 405),
                (.get("/metrics", "X-Request-Id: mine", "Content-Length: 9999"), 413),
            ] {
                let reply = try await send(request, to: port)
                #expect(reply.status == status)
                #expect(reply["x-request-id"] == "mine", "\(status)")
                #expect(reply["server-timing"]?.contains("total;dur=") == true, "\(status)")
            }
            let made = try await send(.get("/metrics"), to: port)
            #expect(made["x-request-id"]?.count == 36)
            let broken = try await send(.get("/ /"), to: port)
            #expect(broken.status == 400)
            #expect(broken["x-request-id"]?.count == 36)
            #expect(broken["server-timing"] != nil)
        }
    }

    @Test func `without server timing there is none`() async throws {
        try await run(change: { $0.server.timing = false }) { _, port in
            for path in ["/metrics", "/", "/ /"] {
                let reply = try await send(.get(path), to: port)
                #expect(reply["x-request-id"] != nil)
                #expect(reply["server-timing"] == nil)
            }
        }
    }

    @Test func `refused requests are logged, and scrapes are not`() async throws {
        try await run { gateway, port in
            _ = try await send(.get("/metrics", "X-Request-Id: scrape"), to: port)
            _ = try await send(.get("/x", "X-Request-Id: lost"), to: port)
            _ = try await send(TestRequest(path: "/metrics", fields: ["X-Request-Id: posted"]), to: port)
            _ = try await send(.get("/metrics", "X-Request-Id: large", "Content-Length: 9999"), to: port)
            let hold = Hold()
            gateway.gateway.loops[0].execute { hold.wait() }
            let statuses = try await onThread {
                let connections = try (0...GatewayMetrics.mostAtOnce).map { number in
                    let connection = try TestConnection(port: port)
                    try connection.send(.get("/metrics", "X-Request-Id: \(number)"))
                    return connection
                }
                return try connections.map { try $0.reply().status }
            }
            hold.end()
            #expect(statuses.filter { $0 == 503 }.count == 1)
            let log = try await gateway.logText(containing: #""status":503"#)
            let lines = try log.split(separator: "\n").map { try Value(parsing: String($0)) }
                .filter { $0["msg"]?.string == "request" }
            let said = lines.map { line in
                let words = ["route", "method", "endpoint", "outcome", "error"].map { line[$0]?.string ?? "" }
                return "\(line["status"]?.integer ?? 0) " + words.joined(separator: " ")
            }
            #expect(
                said == [
                    "404 - GET - client_error caller_invalid", "405 - POST metrics client_error caller_invalid",
                    "413 - GET - client_error caller_invalid", "503 - GET metrics rejected policy_concurrency",
                ]
            )
            #expect(lines.prefix(3).map { $0["id"]?.string } == ["lost", "posted", "large"])
        }
    }

    // MARK: Many connections

    @Test func `silent connections shut no scrape out`() async throws {
        try await run { _, port in
            try await onThread {
                let silent = try (0..<70).map { _ in try TestConnection(port: port) }
                let scraper = try TestConnection(port: port)
                try scraper.send(.get("/metrics"))
                #expect(try scraper.reply().status == 200)
                // Those that came first made room, and the others may still speak.
                try silent[0].expectEnd()
                try silent[10].send(.get("/metrics"))
                #expect(try silent[10].reply().status == 200)
            }
        }
    }
}
