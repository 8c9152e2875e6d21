import Glibc
import Runnable
import Testing

/// The three endpoints as people use them: with curl.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct EndpointTests {
    static let configuration = """
        backends: {mock: {dialect: mock, mock: {tokens: 3}}}
        models: {demo: {backend: mock}}
        routes: {/: {model: demo, output: text}, /chat: {model: demo}}
        """

    @Test func `invoke, batch and the small endpoints`() throws {
        let daemon = try Daemon(EndpointTests.configuration)
        let invoke = try curl(daemon.url("/invoke"), "-d", #"{"input":"Hello"}"#)
        #expect(invoke.ending == .exited(0), "\(invoke.stderr)")
        #expect(try Value(parsing: invoke.stdout)["output"]?.string == "the river keeps")
        let batch = try curl(daemon.url("/batch"), "-d", #"{"inputs":["a","b"]}"#)
        #expect(try Value(parsing: batch.stdout)["output"]?.array == ["the river keeps", "the river keeps"])
        let chat = try curl(daemon.url("/chat/invoke"), "-d", #"{"input":"Hello"}"#)
        #expect(try Value(parsing: chat.stdout)["output"]?["content"]?.string == "the river keeps")
        for path in ["/health", "/ready", "/"] {
            let result = try curl("-f", daemon.url(path))
            #expect(result.ending == .exited(0))
            #expect((try? Value(parsing: result.stdout)) != nil, "\(path) is not JSON: \(result.stdout)")
        }
        #expect(try curl("-f", "-I", daemon.url("/health")).ending == .exited(0))
        #expect(try curl("-f", daemon.url("/nothing")).ending == .exited(22))
    }

    @Test func `stream sends every event as a chunk of its own`() throws {
        let daemon = try Daemon(EndpointTests.configuration)
        let stream = try curl("--raw", "-N", daemon.url("/stream"), "-d", #"{"input":"Hello"}"#)
        #expect(stream.ending == .exited(0))
        var rest = stream.stdout[...]
        var chunks: [String] = []
        while let line = rest.firstRange(of: "\r\n"), let size = Int(rest[..<line.lowerBound], radix: 16) {
            let bytes = Array(rest[line.upperBound...].utf8)
            chunks.append(String(decoding: bytes.prefix(size), as: UTF8.self))
            if size == 0 {
                // Behind the last chunk: the trailer's line, and the empty one.
                rest = String(decoding: bytes, as: UTF8.self)[...]
                break
            }
            rest = String(decoding: bytes.dropFirst(size + 2), as: UTF8.self)[...]
        }
        #expect(chunks.count == 6)
        #expect(chunks.first?.hasPrefix("event: metadata\r\ndata: {\"run_id\": \"") == true)
        #expect(
            chunks.dropFirst() == [
                "event: data\r\ndata: \"the\"\r\n\r\n", "event: data\r\ndata: \" river\"\r\n\r\n",
                "event: data\r\ndata: \" keeps\"\r\n\r\n", "event: end\r\n\r\n", "",
            ]
        )
        #expect(rest.hasPrefix("server-timing: ") && rest.hasSuffix("\r\n\r\n"))
        #expect(rest.split(separator: "\r\n").count == 1)
    }

    @Test func `stream as lines and as bare text`() throws {
        let daemon = try Daemon(EndpointTests.configuration)
        let text = try curl("-N", daemon.url("/stream"), "-H", "Accept: text/plain", "-d", #"{"input":"Hello"}"#)
        #expect(text.stdout == "the river keeps")
        let lines = try curl(
            "-N",
            daemon.url("/stream"),
            "-H",
            "Accept: application/x-ndjson",
            "-d",
            #"{"input":"Hello"}"#
        )
        let events = try lines.stdout.split(separator: "\n").map { try Value(parsing: String($0)) }
        #expect(events.map { $0["event"]?.string } == ["metadata", "data", "data", "data", "end"])
        #expect(events.compactMap { $0["data"]?.string }.joined() == "the river keeps")
    }

    @Test func `the upstream is reached over HTTP`() throws {
        let mock = try MockUpstream("--tokens 3")
        let daemon = try Daemon(mock.configuration())
        let invoke = try curl(daemon.url("/invoke"), "-d", #"{"input":"Hello"}"#)
        #expect(try Value(parsing: invoke.stdout)["output"]?.string == "the river keeps")
        let stream = try curl("-N", daemon.url("/stream"), "-H", "Accept: text/plain", "-d", #"{"input":"Hello"}"#)
        #expect(stream.stdout == "the river keeps")
        #expect(try mock.stats().requests == 2)
    }

    @Test func `HTTP 1.0, HEAD, large bodies and Expect`() throws {
        let daemon = try Daemon(EndpointTests.configuration)
        let old = try curl(
            "--http1.0",
            "-N",
            daemon.url("/stream"),
            "-H",
            "Accept: text/plain",
            "-d",
            #"{"input":"Hello"}"#
        )
        #expect(old.ending == .exited(0))
        #expect(old.stdout == "the river keeps")
        let directory = try TemporaryDirectory()
        let file = try directory.write("{\"input\":\"\(String(repeating: "x", count: 2 << 20))\"}", to: "body")
        let large = try curl(daemon.url("/invoke"), "-H", "Expect: 100-continue", "--data-binary", "@\(file)")
        #expect(try Value(parsing: large.stdout)["output"]?.string == "the river keeps")
    }

    @Test func `the daemon says nothing on standard output, and stops in order`() throws {
        let daemon = try Daemon(EndpointTests.configuration)
        #expect(try daemon.get("/health").status == 200)
        #expect(try daemon.stop() == .exited(0))
        #expect(daemon.process.stdout.isEmpty)
        #expect(daemon.logged("stopped").count == 1)
    }

    @Test func `a Unix socket has the mode that was configured, and goes at the end`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("s")
        let listen = "[{address: \"unix:\(path)\", mode: \"0640\"}, \"127.0.0.1:0\"]"
        let daemon = try Daemon(EndpointTests.configuration, listen: listen, listeners: 2, directory: directory)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o640)
        let result = try curl("--unix-socket", path, "http://headgate/invoke", "-d", #"{"input":"Hello"}"#)
        #expect(try Value(parsing: result.stdout)["output"]?.string == "the river keeps")
        #expect(try daemon.stop() == .exited(0))
        #expect(access(path, F_OK) != 0)
    }

    @Test func `a socket left over by a crash is replaced, a live one is not`() throws {
        let directory = try TemporaryDirectory()
        let listen = "[{address: \"unix:\(directory.file("s"))\"}, \"127.0.0.1:0\"]"
        let first = try Daemon(EndpointTests.configuration, listen: listen, listeners: 2, directory: directory)
        let second = try Headgate.run("serve", "--config", directory.file("headgate.yaml"))
        #expect(second.ending == .exited(1))
        first.process.signal(SIGKILL)
        #expect(try first.process.wait() == .killed(SIGKILL))
        let third = try Daemon(EndpointTests.configuration, listen: listen, listeners: 2, directory: directory)
        let result = try curl("-f", "--unix-socket", directory.file("s"), "http://headgate/health")
        #expect(result.ending == .exited(0))
        #expect(try third.stop() == .exited(0))
    }

    @Test func `two loops share a port`() throws {
        let mock = try MockUpstream("--tokens 3")
        let daemon = try Daemon(mock.configuration(loops: 2))
        for _ in 0..<20 { #expect(try daemon.post("/invoke", #"{"input":"Hello"}"#).status == 200) }
        #expect(try daemon.stop() == .exited(0))
    }
}
