import Glibc
import Runnable
import Testing

/// G6: memory is bounded, and a slow reader slows its own upstream only.
@Suite(.blocking, .serialized, .timeLimit(.minutes(1)))
struct SlowReaderTests {
    private let body = #"{"input":"Hello"}"#

    @Test func `a client that does not read pauses its own upstream and no other`() throws {
        let endless = try MockUpstream("--tokens 1000000")
        let other = try MockUpstream("--tokens 3")
        let daemon = try Daemon(
            """
            loops: 1
            backends: {endless: \(endless.backend()), other: \(other.backend())}
            models: {endless: {backend: endless}, other: {backend: other}}
            routes: {/endless: {model: endless}, /other: {model: other, output: text}}
            server: {stream_high_water: 16KiB}
            """
        )
        let slow = try daemon.connect(receiveBuffer: 4096)
        try slow.post("/endless/stream", body)
        try slow.replySoFar { !$0.text.isEmpty }
        // Buffers fill until the mock's tokens stop: they have stopped when many requests on the same loop leave them unchanged.
        var tokens = -1
        try eventually("the upstream is never paused: \(tokens) tokens") {
            let before = try endless.stats().tokens
            for _ in 0..<20 {
                let reply = try daemon.post("/other/stream", body)
                guard reply.ending == .complete else { throw NotYet(description: "the other stream ended: \(reply)") }
            }
            tokens = try endless.stats().tokens
            return tokens == before
        }
        #expect(tokens < 1_000_000)
        #expect(daemon.residentKiB < 100 * 1024)
        // It goes on when the client does.
        var read = 0
        try eventually("the upstream is never resumed") {
            read += 1 << 20
            try slow.replySoFar { $0.body.count >= read }
            return try endless.stats().tokens > tokens
        }
        slow.leave()
        try endless.stats("the cancellation") { $0.cancelled == 1 && $0.concurrent == 0 }
    }

    @Test func `a client that takes nothing is cut in the end`() throws {
        let endless = try MockUpstream("--tokens 1000000")
        let daemon = try Daemon(endless.configuration(output: "message", more: "server: {write_timeout: 500ms}"))
        let slow = try daemon.connect(receiveBuffer: 4096)
        try slow.post("/stream", body)
        try endless.stats("the cancellation") { $0.cancelled == 1 && $0.concurrent == 0 }
        #expect(try daemon.accessLines(1)[0]["outcome"]?.string == "client_gone")
    }

    @Test func `memory comes back after 2,000 streams`() throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = min(limit.rlim_max, 8192)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let count = 2000
        let mock = try MockUpstream("--tokens 10", "--stall 2")
        let daemon = try Daemon(
            mock.configuration("max_connections: 10000, idle_timeout: 100ms", more: "log: {access: false}")
        )
        // What the first requests need stays: it is part of idle.
        try load(daemon, mock, count: 50)
        let idle = daemon.residentKiB
        try load(daemon, mock, count: count)
        try eventually("memory stays: \(idle) KiB idle, \(daemon.residentKiB) after") {
            daemon.residentKiB <= idle * 12 / 10
        }
    }

    @Test func `memory comes back after large bodies on a connection that stays`() throws {
        let daemon = try Daemon(EndpointTests.configuration)
        let connection = try daemon.connect()
        func invoke(_ count: Int) throws {
            try connection.post("/invoke", "{\"input\":\"\(String(repeating: "a", count: count))\"}")
            #expect(try connection.reply().status == 200)
        }
        try invoke(100_000)
        let idle = daemon.residentKiB
        // The first teaches the allocator to keep room of that size, which the others then take.
        for megabytes in [30, 12, 12, 12] { try invoke(megabytes << 20) }
        try eventually("memory stays: \(idle) KiB idle, \(daemon.residentKiB) after") {
            daemon.residentKiB <= idle * 12 / 10
        }
    }

    /// Opens `count` streams, waits until all have begun, leaves, and waits until the upstream is idle.
    private func load(_ daemon: Daemon, _ mock: MockUpstream, count: Int) throws {
        var connections: [RawConnection] = []
        for _ in 0..<count {
            let connection = try daemon.connect()
            try connection.post("/stream", body)
            connections.append(connection)
        }
        for connection in connections { try connection.replySoFar { $0.events.count == 3 } }
        #expect(try mock.stats().concurrent == count)
        connections = []
        try mock.stats("the end of all") { $0.concurrent == 0 }
        try eventually("sockets stay") { daemon.sockets(in: 1) == 0 }
    }
}
