import Testing

@testable import Gateway

/// Stops beside other things.
@Suite struct GatewayStopTests {
    @Test(.timeLimit(.minutes(1))) func `a reload beside a stop ends`() async throws {
        let text = """
            backends: {mock: {dialect: mock}}
            models: {demo: {backend: mock}}
            routes: {/: {model: demo}}
            """
        for _ in 0..<10 {
            try await TestGateway.run(text, loops: 3) { test in
                async let reload = { @Sendable in
                    do throws(ConfigurationErrors) {
                        try await test.gateway.reload(test.configuration)
                        return true
                    } catch {
                        return error.errors[0].message.contains("is stopping")
                    }
                }()
                await test.gateway.stop()
                #expect(await reload)
            }
        }
    }
}
