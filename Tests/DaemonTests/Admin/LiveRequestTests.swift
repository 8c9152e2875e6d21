import Glibc
import Runnable
import Testing

/// `headgate top` and `headgate kill`, in every state that a request can be in.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct LiveRequestTests {
    enum State: String, CaseIterable {
        case queued
        case connecting
        case waitingForHead
        case waitingForFirstToken
        case streaming
        case blockedOnClient
        case batch

        /// As `top` calls it.
        ///
        /// - Parameter path: a whole answer's head comes with its content.
        func shown(_ path: String) -> String {
            switch self {
            case .queued: "queued"
            case .connecting, .waitingForHead: "waiting for head"
            case .batch: "waiting for head"
            case .waitingForFirstToken: path == "stream" ? "waiting for first token" : "waiting for head"
            case .streaming: "streaming"
            case .blockedOnClient: "blocked on client"
            }
        }
    }

    /// A daemon with a request in a state, and another one that streams beside it.
    private final class Scene {
        let admin: AdminSocket
        let daemon: Daemon
        let mock: MockUpstream
        let backlog: FullBacklog?
        let connection: RawConnection
        init(_ state: State, path: String) throws {
            admin = try AdminSocket()
            let script: [String] =
                switch state {
                case .queued: ["--tokens 5", "--stall 1"]
                case .waitingForHead: ["--latency 1000s"]
                case .waitingForFirstToken, .batch: ["--ttft 1000s"]
                case .streaming: ["--tokens 100000", "--interval 5ms"]
                case .blockedOnClient: ["--tokens 100000"]
                case .connecting: []
                }
            mock = try MockUpstream(options: script)
            backlog = state == .connecting ? try FullBacklog() : nil
            let port = backlog?.port ?? mock.port
            daemon = try admin.daemon(
                """
                loops: 2
                backends:
                  up: {dialect: openai, url: "http://127.0.0.1:\(port)/v1", max_connections: \(state == .queued ? 1 : 8),
                       timeouts: {connect: 1000s}}
                  beside: {dialect: mock, mock: {tokens: 40, interval: 5ms}}
                models: {demo: {backend: up, model: demo}, other: {backend: beside}}
                routes: {/chat: {model: demo}, /other: {model: other, output: text}}
                """
            )
            // One for each loop: which of them gets a connection is the kernel's choice.
            holders = state == .queued ? try Scene.occupy(admin, daemon) : []
            connection = try daemon.connect(receiveBuffer: state == .blockedOnClient ? 4096 : nil)
            if state == .batch {
                let body = #"{"inputs":["a","b","c","d"],"config":{"max_concurrency":2}}"#
                try connection.post("/chat/batch", body, fields: ["X-Request-Id": "the-one"])
            } else {
                try connection.post(
                    "/chat/\(path)",
                    #"{"input":"a secret prompt"}"#,
                    fields: ["X-Request-Id": "the-one"]
                )
            }
        }

        /// Streams that hold every loop's only connection.
        private let holders: [RawConnection]

        private static func occupy(_ admin: AdminSocket, _ daemon: Daemon) throws -> [RawConnection] {
            var holders: [RawConnection] = []
            for _ in 0..<64 {
                let holder = try daemon.connect()
                try holder.post("/chat/stream", #"{"input":"a"}"#)
                holders.append(holder)
                let loops = try admin.status()["loops"]?.array ?? []
                if loops.allSatisfy({ ($0["requests"]?.integer ?? 0) > 0 }) { return holders }
            }
            throw NotYet(description: "a loop gets no connection")
        }

        func row() throws -> Value {
            var last: Value?
            return try eventually("no such request: \(last as Any)") {
                last = try admin.requests("--limit", "1000").first { $0["id"]?.string == "the-one" }
                return last
            }
        }

        func row(in state: String) throws -> Value {
            var last: Value?
            return try eventually("it is not \(state): \(last as Any)") {
                last = try row()
                return last?["state"]?.string == state ? last : nil
            }
        }
    }

    @Test(arguments: State.allCases)
    func `top shows what a request is doing`(state: State) throws {
        let path = state == .streaming || state == .blockedOnClient ? "stream" : state == .queued ? "invoke" : "stream"
        let scene = try Scene(state, path: path)
        let shown = state.shown(path)
        let row = try scene.row(in: shown)
        #expect(row["route"]?.string == "/chat")
        #expect(row["endpoint"]?.string == (state == .batch ? "batch" : path))
        #expect(row["upstream"]?.string == "up/demo")
        #expect(row["run_id"]?.string?.count == 36)
        #expect(row["client"]?.string?.hasPrefix("127.0.0.1:") == true)
        #expect(row["items"]?.integer == (state == .batch ? 4 : nil))
        #expect(row["active_calls"]?.integer == (state == .batch ? 2 : 1))
        switch state {
        case .streaming:
            #expect((row["first_token_ms"]?.integer ?? -1) >= 0)
            let tokens = row["tokens"]?.integer ?? 0
            #expect(tokens > 0)
            try eventually("its tokens do not grow") { (try scene.row()["tokens"]?.integer ?? 0) > tokens }
        case .blockedOnClient: #expect((row["pending_bytes"]?.integer ?? 0) > 128 << 10)
        default:
            #expect(row["tokens"]?.integer == 0)
            #expect(row["first_token_ms"]?.isNull == true)
        }
        let table = try scene.admin.run("top", "--once").stdout
        #expect(table.contains("the-one"))
        #expect(table.contains(shown))
        #expect(!table.contains("\u{1B}"), "colours in a file")
        let prompts = [row.description, table]
        #expect(!prompts.contains { $0.contains("secret") })
    }

    @Test(arguments: State.allCases, ["invoke", "stream"])
    func `kill ends a request in this state, and its call`(state: State, path: String) throws {
        // Whole answers are never half sent.
        if path == "invoke", [.blockedOnClient, .streaming, .batch].contains(state) { return }
        let scene = try Scene(state, path: path)
        _ = try scene.row(in: state.shown(path))
        let other = try scene.daemon.connect()
        try other.post("/other/stream", #"{"input":"a"}"#)
        try other.replySoFar { $0.events.count >= 2 }
        let before = try scene.mock.stats()

        let kill = try scene.admin.run("kill", "the-o")
        #expect(kill.ending == .exited(0), "\(kill.stderr)")
        #expect(kill.stdout.hasPrefix("ended the-one: /chat "))

        switch state {
        case .connecting: #expect(scene.daemon.sockets(in: 2, remotePort: scene.backlog?.port) == 0)
        case .queued: #expect(try scene.mock.stats().requests == before.requests)
        default:
            let calls = state == .batch ? 2 : 1
            try scene.mock.stats("the cancellation") { $0.cancelled == calls && $0.concurrent == 0 }
            if state == .batch { #expect(try scene.mock.stats().requests == 2, "an item was dispatched after the end") }
        }
        let reply = try scene.connection.reply()
        if path == "stream", state != .batch {
            #expect(reply.status == 200)
            #expect(reply.events.last?.name == "error")
            #expect(reply.events.last?.data.contains(#""code":"killed""#) == true)
            #expect(reply.events.last?.data.contains(#""retryable":false"#) == true)
            let hadContent = state == .streaming || state == .blockedOnClient
            #expect(reply.ending == (hadContent ? .cut : .complete))
        } else {
            #expect(reply.status == 503)
            #expect(reply.text.contains(#""code":"killed""#))
            #expect(reply["x-should-retry"] == "false")
            #expect(reply.ending == .complete)
        }
        let waited: [State: String] = [.queued: "queue", .connecting: "connect", .waitingForHead: "upstream"]
        if let part = waited[state] {
            let timing = try #require(reply["server-timing"] ?? reply.trailers.first { $0.contains("total;dur=") })
            #expect(Self.longest(timing) == part, "\(timing)")
        }
        #expect(try other.reply().ending == .complete)
        let line = try eventually("no access line") {
            scene.daemon.logged("request").first { $0["id"]?.string == "the-one" }
        }
        #expect(line["outcome"]?.string == "killed")
        #expect(line["error"]?.string == "killed")
        let said = try eventually("not logged") { scene.daemon.logged("admin").first }
        #expect(said["action"]?.string == "kill")
        #expect(said["id"]?.string == "the-one")
        #expect(said["uid"]?.string == "\(getuid())")
        #expect((said["pid"]?.string).flatMap { Int($0) } ?? 0 > 0)
        try eventually("it is still shown") {
            try scene.admin.requests("--limit", "1000").allSatisfy { $0["id"]?.string != "the-one" }
        }
    }

    /// The longest part of a `Server-Timing`.
    private static func longest(_ timing: String) -> String? {
        let value = timing.hasPrefix("server-timing: ") ? timing.dropFirst("server-timing: ".count) : timing[...]
        let parts = value.split(separator: ",").map { part in
            let halves = part.drop { $0 == " " }.split(separator: ";")
            return (name: String(halves[0]), time: Double(halves[1].dropFirst("dur=".count)) ?? -1)
        }
        return parts.filter { $0.name != "total" }.max { $0.time < $1.time }?.name
    }

    @Test func `an id must be clear`() throws {
        let admin = try AdminSocket()
        let mock = try MockUpstream("--latency 1000s")
        let daemon = try admin.daemon(mock.configuration())
        let ids = ["night-1", "night-12", "day"]
        let connections = try ids.map { id in
            let connection = try daemon.connect()
            try connection.post("/invoke", #"{"input":"a"}"#, fields: ["X-Request-Id": id])
            return connection
        }
        try mock.stats("all three") { $0.concurrent == 3 }
        let none = try admin.run("kill", "dusk")
        #expect(none.ending == .exited(1))
        #expect(none.stderr.contains("dusk"))
        let both = try admin.run("kill", "night")
        #expect(both.ending == .exited(1))
        #expect(both.stderr.contains("night-1 ") && both.stderr.contains("night-12 "))
        #expect(!both.stderr.contains("day"))
        #expect(try mock.stats().cancelled == 0)
        // A whole id means that request, whatever else begins with it.
        #expect(try admin.run("kill", "night-1").ending == .exited(0))
        #expect(try connections[0].reply().status == 503)
        let row = try #require(try admin.requests().first { $0["id"]?.string == "day" })
        let run = try #require(row["run_id"]?.string)
        #expect(try admin.run("kill", String(run.prefix(9))).ending == .exited(0))
        #expect(try connections[2].reply().status == 503)
        #expect(try admin.requests().map { $0["id"]?.string } == ["night-12"])
        let results = ["no such request", "ambiguous", "killed", "killed"]
        try eventually("not logged") { daemon.logged("admin").map { $0["result"]?.string } == results }
    }

    @Test func `top sorts and limits over all loops`() throws {
        let admin = try AdminSocket()
        let mock = try MockUpstream("--latency 1000s")
        let daemon = try admin.daemon(mock.configuration(loops: 3))
        var connections: [RawConnection] = []
        for number in 0..<12 {
            let connection = try daemon.connect()
            try connection.post("/invoke", #"{"input":"a"}"#, fields: ["X-Request-Id": "r\(number)"])
            connections.append(connection)
            // One after the other, so that their ages differ.
            try mock.stats("it") { $0.concurrent == number + 1 }
        }
        let result = try admin.run("top", "--json", "--limit", "5", "--sort", "age")
        let answer = try Value(parsing: result.stdout)
        #expect(answer["total"]?.integer == 12)
        let ages = (answer["requests"]?.array ?? []).compactMap { $0["age_ms"]?.integer }
        #expect(ages.count == 5)
        #expect(ages == ages.sorted(by: >))
        let oldest = Set((answer["requests"]?.array ?? []).compactMap { $0["id"]?.string })
        #expect(oldest.isSubset(of: (0..<8).map { "r\($0)" }), "not the oldest: \(oldest)")
        #expect(try admin.status()["requests"]?.integer == 12)
        #expect(try admin.run("top", "--sort", "beauty").ending == .exited(64))
    }
}
