import EventLoop
import Gateway
import Glibc
import HTTP
import Testing

/// Many streams at once.
@Suite(.timeLimit(.minutes(2)), .serialized)
struct MockLoadTests {
    @Test("1,000 streams at once all get the same bytes", arguments: ["", "ttft=20ms,interval=1ms"])
    func thousandStreams(script: String) async throws {
        raiseDescriptorLimit()
        let expected =
            MockServerTests.role + MockServerTests.content("the") + MockServerTests.content(" river")
            + MockServerTests.content(" keeps") + MockServerTests.stop + MockServerTests.done
        try await MockServerTests.serving("tokens=3,\(script)", loops: 2) { server, _ in
            let loop = try EventLoop(name: "clients")
            try loop.start()
            var options = HTTPClientOptions()
            options.maximumConnections = 1000
            let origin = HTTPOrigin(isSecure: false, host: "127.0.0.1", port: server.address.port)
            let client = HTTPClient(loop: loop, origin: origin, tls: nil, options: options)
            let target = try #require(RequestTarget(checking: "/v1/chat/completions"))
            let request = ClientRequest(
                method: .post,
                preamble: client.preamble(method: .post, target: target, fields: [:]),
                body: Array(MockServerTests.streamed.utf8)
            )
            let correct = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<1000 {
                    group.addTask(executorPreference: loop) {
                        let response = try await client.send(request, limits: ExchangeLimits())
                        let body = try await response.collect(
                            maximum: 1 << 20,
                            before: .distantFuture,
                            phase: .timeoutIdle
                        )
                        return body == Array(expected.utf8)
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(correct == 1000)
            #expect(server.stats.completed == 1000)
            #expect(server.stats.cancelled == 0)
            #expect(server.stats.tokens == 3000)
            await client.retire()
            #expect(await client.load.busy == 0)
            loop.stop()
        }
    }

    private func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
