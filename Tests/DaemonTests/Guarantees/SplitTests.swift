import Runnable
import Testing

/// G4: any split is the same stream. G5: order and membership.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct SplitTests {
    private static let text =
        "h\u{e9}llo w\u{f6}rld \u{1F469}\u{200D}\u{1F680} \"quoted\\\" \u{2028} tab\tend \u{6C34}\u{1F30A}"

    private static func routes(_ splits: [Int]) -> String {
        var models = ""
        var routes = ""
        for split in splits {
            let more = split == 0 ? "" : ", split: \(split)"
            models += "  m\(split): {backend: mock, params: {mock: {reply: \"text:${HEADGATE_TEST_TEXT}\"\(more)}}}\n"
            routes += "  /t\(split): {model: m\(split), output: text}\n  /m\(split): {model: m\(split)}\n"
        }
        return "models:\n\(models)routes:\n\(routes)"
    }

    @Test func `streams and answers are the same however they are split`() throws {
        let splits = [0, 1, 2, 3, 5, 7, 13, 64]
        let mock = try MockUpstream()
        let daemon = try Daemon(
            "backends: {mock: \(mock.backend())}\n" + SplitTests.routes(splits),
            environment: ["HEADGATE_TEST_TEXT": SplitTests.text]
        )
        /// All of an answer but what names the request.
        func stripped(_ text: String) -> String {
            text.replacing(/chatcmpl-mock-\d+/, with: "ID").replacing(/"run_id": ?"[^"]+"/, with: "RUN")
                .replacing(/m\d+"/, with: "MODEL")
        }
        for prefix in ["t", "m"] {
            for format in ["text/event-stream", "application/x-ndjson", "text/plain"] {
                var expected: String?
                for split in splits {
                    let reply = try daemon.post(
                        "/\(prefix)\(split)/stream",
                        #"{"input":"a"}"#,
                        fields: ["Accept": format]
                    )
                    #expect(reply.ending == .complete)
                    let text = stripped(reply.text)
                    if format == "text/plain" { #expect(text == SplitTests.text) }
                    #expect(text == expected ?? text, "split \(split)")
                    expected = text
                }
            }
            var expected: String?
            for split in splits {
                let reply = try daemon.post("/\(prefix)\(split)/invoke", #"{"input":"a"}"#)
                #expect(reply.status == 200)
                #expect(stripped(reply.text) == expected ?? stripped(reply.text), "split \(split)")
                expected = stripped(reply.text)
            }
        }
        let output = try Value(parsing: daemon.post("/t1/invoke", #"{"input":"a"}"#).text)["output"]
        #expect(output?.string == SplitTests.text)
    }

    @Test func `a request that comes byte by byte is the same request`() throws {
        let daemon = try Daemon(
            "backends: {m: {dialect: mock, mock: {reply: echo}}}\nmodels: {m: {backend: m}}\nroutes: {/: {model: m, output: text}}"
        )
        let body = #"{"input":"h\u00e9llo é"}"#
        let request = "POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let connection = try daemon.connect()
        for byte in request.utf8 { try connection.send([byte]) }
        #expect(try Value(parsing: connection.reply().text)["output"]?.string == "héllo é")
        // Several in one write are answered in their order.
        try connection.send(request + "GET /health HTTP/1.1\r\nHost: a\r\n\r\n" + request)
        #expect(try Value(parsing: connection.reply().text)["output"]?.string == "héllo é")
        #expect(try Value(parsing: connection.reply().text)["status"]?.string == "ok")
        #expect(try Value(parsing: connection.reply().text)["output"]?.string == "héllo é")
    }

    // MARK: G5

    /// Answers each prompt with its own text, late by a time that depends on it; every tenth fails.
    private static func upstream() throws -> ThreadedUpstream {
        try ThreadedUpstream { exchange in
            let number = exchange.prompt.split(separator: " ").last.flatMap { Int($0) } ?? 0
            pause(milliseconds: number &* 7919 % 23)
            if number % 10 == 3 {
                exchange.respond(500, #"{"error":{"message":"failed \#(number)","type":"server_error"}}"#)
            } else {
                exchange.complete("answer \(number)")
            }
            return .keep
        }
    }

    private static func daemon(_ upstream: ThreadedUpstream) throws -> Daemon {
        try Daemon(
            """
            loops: 1
            backends: {up: {dialect: openai, url: "http://127.0.0.1:\(upstream.port)/v1"}}
            models: {demo: {backend: up, model: m}}
            routes: {/: {model: demo, output: text, max_concurrency: 64}}
            """
        )
    }

    private static let inputs = "[" + (0..<1000).map { "\"item \($0)\"" }.joined(separator: ",") + "]"

    @Test func `outputs belong to their inputs, and failures to their own`() throws {
        let upstream = try SplitTests.upstream()
        let daemon = try SplitTests.daemon(upstream)
        let reply = try daemon.post("/batch", "{\"inputs\":\(SplitTests.inputs),\"return_exceptions\":true}")
        #expect(reply.status == 200)
        let value = try Value(parsing: reply.text)
        let outputs = try #require(value["output"]?.array)
        let responses = try #require(value["metadata"]?["responses"]?.array)
        try #require(outputs.count == 1000 && responses.count == 1000)
        for number in 0..<1000 {
            let fails = number % 10 == 3
            #expect(outputs[number] == (fails ? .null : .string("answer \(number)")))
            #expect((responses[number]["error"] != nil) == fails)
        }
        #expect(Set(responses.compactMap { $0["run_id"]?.string }).count == 1000)
    }

    @Test func `items that come as they complete carry their index`() throws {
        let upstream = try SplitTests.upstream()
        let daemon = try SplitTests.daemon(upstream)
        let reply = try daemon.post(
            "/batch",
            "{\"inputs\":\(SplitTests.inputs)}",
            fields: ["Accept": "application/x-ndjson"]
        )
        #expect(reply.ending == .complete)
        let items = try reply.lines.map { try Value(parsing: $0) }
        var seen: Set<Int> = []
        for item in items {
            let item = item["data"] ?? item
            guard let index = item["index"]?.integer else { continue }
            #expect(seen.insert(index).inserted)
            #expect(item["output"]?.string == (index % 10 == 3 ? nil : "answer \(index)"))
            #expect((item["error"] != nil) == (index % 10 == 3))
        }
        #expect(seen.count == 1000)
        #expect(reply.text.contains(#""failed":100"#))
    }
}
