import Testing

@testable import Gateway

/// The `mock` dialect inside the gateway.
@Suite(.timeLimit(.minutes(1)))
struct MockBackendTests {
    @Test func `a status script plays once, over all loops and routes, and again after a reload`() async throws {
        let text = mockConfiguration("status: [\"429*3\", 503]")
        try await TestGateway.run(text, loops: 4) { gateway in
            for _ in 0..<2 {
                var statuses: [Int] = []
                // The kernel spreads connections over the loops; this many reach all of them.
                for number in 0..<64 {
                    let path = number.isMultiple(of: 2) ? "/invoke" : "/chat/invoke"
                    statuses.append(try await gateway.post(path, #"{"input":"a"}"#).status)
                }
                #expect(statuses == [429, 429, 429, 503] + Array(repeating: 200, count: 60))
                try await gateway.gateway.reload(gateway.configuration)
            }
        }
    }
}
