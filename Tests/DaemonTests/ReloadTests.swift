import Glibc
import Runnable
import Synchronization
import TestAuthority
import Testing

/// What SIGHUP does.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct ReloadTests {
    private func configuration(_ word: String, more: String = "") -> String {
        """
        loops: 1
        backends: {mock: {dialect: mock, mock: {reply: "\(word)"}}}
        models: {demo: {backend: mock}}
        routes: {/: {model: demo, output: text}}
        \(more)
        """
    }

    private func output(_ daemon: Daemon) throws -> String? {
        try Value(parsing: daemon.post("/invoke", #"{"input":"Hello"}"#).text)["output"]?.string
    }

    @Test func `another configuration comes into force`() throws {
        let daemon = try Daemon(configuration("first"))
        #expect(try output(daemon) == "first")
        try daemon.rewrite(configuration("second"))
        daemon.process.signal(SIGHUP)
        try eventually("not reloaded: \(daemon.process.stderr)") { !daemon.logged("configuration reloaded").isEmpty }
        #expect(try output(daemon) == "second")
        let changes = daemon.logged("configuration changed")
        #expect(changes.map { $0["key"]?.string } == ["backends.mock.mock.reply"])
        #expect(changes.first?["from"]?.string == "first" && changes.first?["to"]?.string == "second")
    }

    @Test func `a changed key is told without being shown`() throws {
        func configuration(_ key: String) -> String {
            """
            backends: {up: {dialect: openai, url: "http://127.0.0.1:1/v1", api_key: \(key)}}
            models: {demo: {backend: up}}
            routes: {/: {model: demo}}
            """
        }
        let daemon = try Daemon(configuration("canary-old-8831"))
        try daemon.rewrite(configuration("canary-new-8831"))
        daemon.process.signal(SIGHUP)
        try eventually("not reloaded: \(daemon.process.stderr)") { !daemon.logged("configuration reloaded").isEmpty }
        #expect(daemon.logged("configuration changed").first?["key"]?.string == "backends.up")
        #expect(!daemon.process.stderr.contains("canary"))
        #expect(try daemon.stop() == .exited(0))
    }

    /// Its default action is the end of the process.
    @Test func `a hangup during the start does no harm`() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("listen: 127.0.0.1:0\n" + configuration("first"), to: "headgate.yaml")
        for _ in 0..<5 {
            let process = try Subprocess(Headgate.path, ["serve", "--config", file])
            // The first thing to be seen of a start from outside.
            try eventually("not begun") { ignoresBrokenPipes(process.pid) || process.poll() != nil }
            process.signal(SIGHUP)
            try eventually("no listener: \(process.stderr)") {
                process.stderr.contains("\"listening\"") || process.poll() != nil
            }
            #expect(process.poll() == nil)
            process.signal(SIGTERM)
            #expect(try process.wait() == .exited(0))
        }
    }

    @Test(arguments: ["routes: 5", "server: {max_body: 1MiB}", "listen: 127.0.0.1:1"])
    func `a bad one changes nothing and is logged`(mistake: String) throws {
        let daemon = try Daemon(configuration("first"))
        let bad = mistake.hasPrefix("listen") ? configuration("second") : configuration("second", more: mistake)
        try daemon.rewrite(bad, listen: mistake.hasPrefix("listen") ? "127.0.0.1:1" : "127.0.0.1:0")
        daemon.process.signal(SIGHUP)
        let lines = try eventually("nothing logged: \(daemon.process.stderr)") { () -> [Value]? in
            let lines = daemon.logged("configuration not reloaded")
            return lines.isEmpty ? nil : lines
        }
        #expect(lines[0]["level"]?.string == "error")
        #expect(lines[0]["reason"]?.string?.contains(String(mistake.prefix { $0 != ":" })) == true)
        #expect(try output(daemon) == "first")
        try daemon.rewrite(configuration("third"))
        daemon.process.signal(SIGHUP)
        try eventually("not reloaded: \(daemon.process.stderr)") { try output(daemon) == "third" }
        #expect(try daemon.stop() == .exited(0))
    }

    @Test func `under load no request fails and no stream is cut`() throws {
        let mock = try MockUpstream("--tokens 8", "--interval 2ms")
        let other = try MockUpstream("--tokens 8", "--interval 2ms")
        let daemon = try Daemon(mock.configuration(loops: 2))
        let failures = Failures()
        let done = Counter()
        onThread {
            var number = 0
            while done.value < 3 {
                number += 1
                try? daemon.rewrite((number % 2 == 0 ? mock : other).configuration(loops: 2))
                daemon.process.signal(SIGHUP)
                usleep(10_000)
            }
            done.increment()
        }
        // Kept connections and new ones, whole answers and streams.
        for kind in 0..<3 {
            onThread {
                do {
                    var connection = try daemon.connect()
                    for number in 0..<60 {
                        if kind == 0 || number % 7 == 6 { connection = try daemon.connect() }
                        let path = kind == 1 ? "/invoke" : "/stream"
                        try connection.post(path, #"{"input":"Hello"}"#)
                        let reply = try connection.reply()
                        guard reply.status == 200, reply.ending == .complete, kind == 1 || reply.events.count == 10
                        else {
                            failures.add("\(path): \(reply)")
                            continue
                        }
                    }
                } catch {
                    failures.add("\(error)")
                }
                done.increment()
            }
        }
        try eventually("the load did not end") { done.value == 4 }
        #expect(failures.all == [])
        #expect(daemon.logged("configuration reloaded").count > 3)
        #expect(daemon.logged("configuration not reloaded").isEmpty)
        let both = try mock.stats().completed + other.stats().completed
        #expect(both == 180)
        #expect(try mock.stats().requests > 0 && other.stats().requests > 0)
        #expect(try daemon.stop() == .exited(0))
    }

    @Test func `connections of a backend that went are given back`() throws {
        let mock = try MockUpstream("--tokens 2")
        let daemon = try Daemon(mock.configuration())
        #expect(try output(daemon) == "the river")
        #expect(daemon.sockets(in: 1, remotePort: mock.port) == 1)
        try daemon.rewrite(configuration("second"))
        daemon.process.signal(SIGHUP)
        try eventually("not reloaded: \(daemon.process.stderr)") { !daemon.logged("configuration reloaded").isEmpty }
        try eventually("the connection stays") { daemon.sockets(in: 1, remotePort: mock.port) == 0 }
    }
}

/// What went wrong on other threads.
final class Failures: Sendable {
    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
}
