import Glibc
import Runnable
import Testing

/// G6 and G7: a daemon that is short of descriptors says so, and lives.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct DescriptorTests {
    private static let limit = 64
    /// An eighth of the limit is kept back (`DescriptorLimit`), of which a loop may borrow one for a moment to look for a free one.
    private static let mostUsed = 56 + 2

    @Test func `neither upstream calls nor clients take the last descriptors`() throws {
        let mock = try MockUpstream("--ttft 1000s")
        let daemon = try Daemon(mock.configuration(loops: 2), descriptors: Self.limit)
        let batch = try daemon.connect()
        let inputs = (0..<100).map { "\"\($0)\"" }.joined(separator: ",")
        try batch.post("/batch", "{\"inputs\":[\(inputs)]}", fields: ["Accept": "application/x-ndjson"])
        let reply = try batch.replySoFar { $0.lines.count >= 10 }
        let failed = try Value(parsing: reply.lines[0])
        #expect(failed["error"]?["code"]?.string == "upstream_connect", "\(reply.lines[0])")
        #expect(daemon.descriptorCount <= Self.mostUsed)

        // More clients than there is room for: as they leave, each gets its turn.
        let clients = try (0..<100).map { _ in try daemon.connect() }
        for client in clients { try client.get("/health") }
        #expect(daemon.descriptorCount <= Self.mostUsed)
        batch.leave()
        var waiting = clients[...]
        while let client = waiting.popFirst() {
            // Which of them is next is for the kernel to say.
            guard client.hasAnswer else {
                waiting.append(client)
                continue
            }
            #expect(try client.reply().status == 200)
            client.leave()
        }
        #expect(daemon.descriptorCount <= Self.mostUsed)
        #expect(try daemon.stop() == .exited(0))
    }

    @Test func `a limit too small for the configuration is told at start`() throws {
        let daemon = try Daemon(EndpointTests.configuration, descriptors: Self.limit)
        let reason = try #require(daemon.logged("descriptors").first?["reason"]?.string)
        #expect(reason.contains("server.max_connections: 10000 clients"))
        #expect(reason.contains("there are 56 for them;"))
        #expect(daemon.logged("descriptors").first?["level"]?.string == "warning")
    }
}
