import Providers
import Testing

struct MockScriptTextTests {
    @Test("every key sets what it names")
    func keys() throws {
        let cases: [(String, @Sendable (inout MockScript) -> Void)] = [
            ("", { _ in }),
            ("reply=echo", { $0.reply = .echo }),
            ("reply=words", { $0.reply = .words }),
            ("reply=text:Hello, world", { $0.reply = .text("Hello, world") }),
            ("reply= text: a=b, c=d ,tokens=3", { ($0.reply, $0.tokens) = (.text(" a=b, c=d "), 3) }),
            ("tokens=0", { $0.tokens = 0 }),
            ("tokens=0,", { $0.tokens = 0 }),
            ("reply=text:a,", { $0.reply = .text("a,") }),
            ("tokens = 5 , interval = 20ms", { ($0.tokens, $0.interval) = (5, .milliseconds(20)) }),
            ("latency=1.5s", { $0.latency = .milliseconds(1500) }),
            ("ttft=500us", { $0.timeToFirstToken = .microseconds(500) }),
            ("interval=0", { $0.interval = .zero }),
            ("interval=0.25ms", { $0.interval = .microseconds(250) }),
            ("status=500", { $0.statuses = [.init(status: 500)] }),
            ("status=503*3", { $0.statuses = [.init(status: 503, count: 3)] }),
            (
                "status=429*2,500,200*1,503,retry-after=1",
                {
                    $0.statuses = [
                        .init(status: 429, count: 2), .init(status: 500, count: 1), .init(status: 200, count: 1),
                        .init(status: 503),
                    ]
                    $0.retryAfter = 1
                }
            ),
            ("key=a", { $0.key = "a" }),
            ("truncate=120", { $0.cut = .init(at: .byte(120), ending: .close) }),
            ("truncate=head", { $0.cut = .init(at: .head, ending: .close) }),
            ("reset=120b", { $0.cut = .init(at: .byte(120), ending: .reset) }),
            ("end=5t", { $0.cut = .init(at: .token(5), ending: .end) }),
            ("split=1,split-pause=1ms", { ($0.split, $0.splitPause) = (1, .milliseconds(1)) }),
            ("stall=3", { $0.stall = .init(at: .token(3)) }),
            ("stall=3b", { $0.stall = .init(at: .byte(3)) }),
            ("stall-for=2s", { $0.stall = .init(at: .token(0), for: .seconds(2)) }),
            (
                "stall-pings=5ms,stall-for=2s,stall=1",
                { $0.stall = .init(at: .token(1), for: .seconds(2), pings: .milliseconds(5)) }
            ),
            ("framing=bad-chunk", { $0.framing = .badChunk }),
            ("error-after=2", { $0.errorAfter = 2 }),
            ("done=no", { $0.sendsDone = false }),
            ("finish=none", { $0.finish = "" }),
            ("finish=length", { $0.finish = "length" }),
            ("usage=finish", { $0.usage = .finish }),
            ("tool=f", { $0.tool = .init(name: "f") }),
            (#"tool-arguments={"a":1,"b":2},tool=f"#, { $0.tool = .init(name: "f", arguments: #"{"a":1,"b":2}"#) }),
        ]
        for (text, change) in cases {
            var expected = MockScript()
            change(&expected)
            #expect(try MockScript(text) == expected, "\(text)")
        }
    }

    @Test(
        "mistakes name the key and what was expected",
        arguments: [
            ("nonsense", "nonsense", "expected key=value"),
            ("token=5", "token", "unknown key"),
            ("tokens=5,intervall=1ms", "intervall", "unknown key"),
            ("tokens=-1", "tokens", "a whole number from 0 to 1000000, found \"-1\""),
            ("tokens=+1", "tokens", "a whole number"),
            ("tokens=", "tokens", "found \"\""),
            ("tokens=1000001", "tokens", "a whole number"),
            ("tokens=99999999999999999999", "tokens", "a whole number"),
            ("interval=20", "interval", "20ms"),
            ("interval=20m", "interval", "20ms"),
            ("interval=-1s", "interval", "20ms"),
            ("interval=1.2.3s", "interval", "20ms"),
            ("interval=.5s", "interval", "20ms"),
            ("interval=86401s", "interval", "a day"),
            ("interval=99999999999999s", "interval", "a day"),
            ("status=", "status", "429*2"),
            ("status=302", "status", "400 to 599"),
            ("status=429*0", "status", "429*2"),
            ("status=429*2*2", "status", "429*2"),
            ("status=429,,500", "status", "429*2"),
            ("retry-after=1s", "retry-after", "a whole number"),
            ("truncate=x", "truncate", "head"),
            ("truncate=5tb", "truncate", "head"),
            ("stall=1,stall-pings=0", "stall-pings", "above 0"),
            ("stall=1b,stall-pings=1s", "stall-pings", "between tokens"),
            ("split=0", "split", "1 to"),
            ("framing=odd", "framing", "proper, close, length"),
            ("done=maybe", "done", "yes or no"),
            ("usage=all", "usage", "auto, chunk"),
            ("reply=hello", "reply", "text:"),
            ("tool=", "tool", "a word"),
            ("end=head", "end", "cannot end properly"),
            ("end=5,framing=close", "end", "framing=close"),
        ]
    )
    func mistakes(text: String, key: String, reason: String) throws {
        let error = try #require(throws: MockScriptError.self) { try MockScript(text) }
        #expect(error.key == key)
        #expect(error.description.contains(reason), "\(error)")
    }

    @Test("statuses go by request, and the last one without a count stays")
    func statuses() throws {
        let script = try MockScript("status=429*2,500,200*1,503")
        #expect((0..<7).map { script.status(ofRequest: $0) } == [429, 429, 500, 200, 503, 503, 503])
        let limited = try MockScript("status=429*2")
        #expect((0..<4).map { limited.status(ofRequest: $0) } == [429, 429, 200, 200])
    }

    @Test("tokens are due at absolute times")
    func delays() throws {
        let script = try MockScript("ttft=100ms,interval=20ms")
        #expect(
            (0..<3).map { script.delay(ofToken: $0) } == [.milliseconds(100), .milliseconds(120), .milliseconds(140)]
        )
        #expect(script.duration(ofTokens: 3) == .milliseconds(140))
        #expect(script.duration(ofTokens: 0) == .milliseconds(100))
    }
}
