import ScriptedUpstream

/// Runs `body` with a gateway whose upstream says exactly the given bytes, one script for each request.
func scripted(
    _ scripts: [UpstreamScript],
    backend: String = "",
    route: String = "",
    _ body: (TestGateway, ScriptedUpstream) async throws -> Void
) async throws {
    let upstream = ScriptedUpstream(scripts)
    defer { upstream.stop() }
    try await TestGateway.run(upstreamConfiguration(upstream.port, backend: backend, route: route)) { gateway in
        try await body(gateway, upstream)
    }
}
