import Glibc
import Runnable
import Synchronization
import Testing

/// G1: a response that ends cleanly is complete.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct CompleteStreamsTests {
    /// How an upstream breaks off.
    enum Break: String, CaseIterable {
        /// Its end comes inside the chunked body.
        case close
        /// A reset does.
        case reset
        /// The HTTP body ends as it should: only the dialect can tell.
        case end
    }

    /// A format of `/stream`, and the sign of a proper end in it.
    enum Format: String, CaseIterable {
        case events = "text/event-stream"
        case lines = "application/x-ndjson"
        case text = "text/plain"

        /// Whether a client could take `reply` for a whole answer.
        func looksComplete(_ reply: HTTPReply) -> Bool {
            switch self {
            case .events:
                reply.ending == .complete && !reply.text.contains("event: error") || reply.text.contains("event: end")
            case .lines:
                reply.ending == .complete && !reply.text.contains("\"error\"")
                    || reply.text.contains("{\"event\":\"end\"}")
            case .text: reply.ending == .complete && reply.status == 200
            }
        }
    }

    /// A mock's stream, recorded with its own framing taken off.
    private static func record() throws -> [UInt8] {
        let mock = try MockUpstream("--tokens 2", "--usage none")
        let connection = try RawConnection(port: mock.port)
        try connection.post(
            "/v1/chat/completions",
            #"{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#
        )
        return try connection.reply().body
    }

    /// Cuts the recorded stream where the prompt says: `close 123`.
    private static func upstream(_ recorded: [UInt8], isStreamed: Bool = true) throws -> ThreadedUpstream {
        try ThreadedUpstream { exchange in
            let words = exchange.prompt.split(separator: " ")
            guard words.count == 2, let ending = Break(rawValue: String(words[0])), let count = Int(words[1]) else {
                return .close
            }
            let part = Array(recorded.prefix(count))
            let kind = isStreamed ? "text/event-stream" : "application/json"
            if !isStreamed {
                exchange.send("HTTP/1.1 200 OK\r\nContent-Type: \(kind)\r\nContent-Length: \(recorded.count)\r\n\r\n")
                exchange.send(part)
                return ending == .reset ? .reset : .close
            }
            var bytes = Array("HTTP/1.1 200 OK\r\nContent-Type: \(kind)\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
            if !part.isEmpty {
                bytes += Array(String(part.count, radix: 16).utf8) + [13, 10] + part + [13, 10]
            }
            if ending == .end { bytes += Array("0\r\n\r\n".utf8) }
            exchange.send(bytes)
            switch ending {
            case .close: return .close
            case .reset: return .reset
            case .end: return .keep
            }
        }
    }

    private static func daemon(_ upstream: ThreadedUpstream) throws -> Daemon {
        try Daemon(
            """
            log: {access: false}
            loops: 1
            backends: {up: {dialect: openai, url: "http://127.0.0.1:\(upstream.port)/v1"}}
            models: {demo: {backend: up, model: m}}
            routes: {/: {model: demo, output: text}}
            """
        )
    }

    /// The first byte behind `text` in `bytes`.
    private static func end(of text: String, in bytes: [UInt8]) throws -> Int {
        let whole = String(decoding: bytes, as: UTF8.self)
        return try whole.utf8.distance(from: whole.startIndex, to: #require(whole.firstRange(of: text)?.upperBound))
    }

    @Test(arguments: Break.allCases, Format.allCases)
    func `a stream cut at any byte never looks complete`(ending: Break, format: Format) throws {
        let recorded = try CompleteStreamsTests.record()
        #expect(recorded.count > 500)
        let upstream = try CompleteStreamsTests.upstream(recorded)
        let daemon = try CompleteStreamsTests.daemon(upstream)
        // Whole is what has its end mark, line end included; a proper HTTP end is enough behind the finish reason's event.
        let whole =
            ending == .end
            ? try CompleteStreamsTests.end(of: #""finish_reason":"stop"}]}"#, in: recorded)
            : try CompleteStreamsTests.end(of: "data: [DONE]", in: recorded)
        let failures = Failures()
        concurrently(recorded.count + 1, threads: 3) { count in
            do {
                let body = #"{"input":"\#(ending) \#(count)"}"#
                let reply = try daemon.post("/stream", body, fields: ["Accept": format.rawValue])
                let looksComplete = format.looksComplete(reply)
                if count < whole, looksComplete { failures.add("\(count): \(reply)") }
                if count == recorded.count, !looksComplete, ending != .reset { failures.add("whole: \(reply)") }
                // What has begun and then breaks is cut, with the error before it where there is a place for one.
                if count < whole, format != .text, !reply.text.contains("error") {
                    failures.add("no error at \(count): \(reply)")
                }
                if count < whole, reply.ending == .complete, reply.status == 200 {
                    failures.add("not cut at \(count): \(reply)")
                }
            } catch {
                failures.add("\(count): \(error)")
            }
        }
        #expect(failures.all.prefix(5) == [], "\(failures.all.count) of \(recorded.count); whole from \(whole)")
        #expect(daemon.process.poll() == nil)
    }

    @Test(arguments: [Break.close, .reset])
    func `a whole answer cut at any byte is a 502`(ending: Break) throws {
        let recorded = Array(
            """
            {"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":\
            {"role":"assistant","content":"the river"},"finish_reason":"stop"}]}
            """.utf8
        )
        let upstream = try CompleteStreamsTests.upstream(recorded, isStreamed: false)
        let daemon = try CompleteStreamsTests.daemon(upstream)
        let failures = Failures()
        concurrently(recorded.count, threads: 3) { count in
            do {
                let reply = try daemon.post("/invoke", #"{"input":"\#(ending) \#(count)"}"#)
                if reply.status != 502 || reply.ending != .complete { failures.add("\(count): \(reply)") }
            } catch {
                failures.add("\(count): \(error)")
            }
        }
        #expect(failures.all.prefix(5) == [], "\(failures.all.count) of \(recorded.count)")
        let reply = try daemon.post("/invoke", #"{"input":"close \#(recorded.count)"}"#)
        #expect(reply.status == 200)
    }

    @Test(arguments: Format.allCases)
    func `kill -9 of the upstream in the middle of a stream is an error and a cut`(format: Format) throws {
        let mock = try MockUpstream("--tokens 100000", "--interval 5ms")
        let daemon = try Daemon(mock.configuration())
        let connection = try daemon.connect()
        try connection.post("/stream", #"{"input":"Hello"}"#, fields: ["Accept": format.rawValue])
        try connection.replySoFar { $0.text.contains("river") }
        mock.process.signal(SIGKILL)
        let reply = try connection.reply()
        #expect(reply.status == 200)
        #expect(reply.ending == .cut)
        #expect(!format.looksComplete(reply))
        switch format {
        case .events:
            #expect(reply.events.last?.name == "error")
            #expect(try Value(parsing: reply.events.last?.data ?? "")["code"]?.string == "truncated")
        case .lines:
            #expect(try Value(parsing: reply.lines.last ?? "")["event"]?.string == "error")
        case .text: #expect(reply.text.hasPrefix("the river"))
        }
        #expect(try daemon.accessLines(1)[0]["outcome"]?.string == "truncated")
        // Nobody is there any more: the next request says so at once, and the daemon goes on.
        #expect(try daemon.post("/invoke", #"{"input":"Hello"}"#).status == 502)
        #expect(try daemon.get("/health").status == 200)
    }

    @Test func `a stream cut over HTTP 1.0 ends in a reset`() throws {
        let mock = try MockUpstream("--tokens 10", "--truncate 3t")
        let daemon = try Daemon(mock.configuration())
        let connection = try daemon.connect()
        let body = #"{"input":"Hello"}"#
        try connection.send(
            "POST /stream HTTP/1.0\r\nContent-Length: \(body.utf8.count)\r\nAccept: text/plain\r\n\r\n\(body)"
        )
        #expect(try connection.reply().ending == .reset)
    }

    @Test(arguments: ["both", "bad-chunk", "garbage", "long-length", "short-length"])
    func `wrong framing never looks complete`(framing: String) throws {
        let mock = try MockUpstream("--tokens 10", "--framing \(framing)")
        let daemon = try Daemon(mock.configuration())
        #expect(try daemon.post("/invoke", #"{"input":"Hello"}"#).status == 502)
        // Lengths that are wrong by a few bytes concern a stream's end mark only: behind the finish reason it is whole.
        for format in Format.allCases where !framing.hasSuffix("length") {
            let reply = try daemon.post("/stream", #"{"input":"Hello"}"#, fields: ["Accept": format.rawValue])
            #expect(!format.looksComplete(reply), "\(framing) \(format): \(reply)")
        }
    }
}
