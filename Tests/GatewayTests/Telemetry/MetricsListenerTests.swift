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
}
