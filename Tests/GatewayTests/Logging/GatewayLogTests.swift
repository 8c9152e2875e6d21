import Glibc
import Logging
import Runnable
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1))) struct GatewayLogTests {
    private func logger(_ log: GatewayLog) -> Logger { Logger(label: "test") { log.makeHandler(label: $0) } }

    private func sample(_ format: LogSettings.Format) throws -> String {
        try written(.with(format)) { log in
            logger(log).info(
                "listening",
                metadata: [
                    "address": "127.0.0.1:8080", "loops": .stringConvertible(2), "why": "two words",
                    "list": ["a", "b"], "map": ["k": "v"],
                ]
            )
            logger(log).error("plain")
        }
    }

    @Test func textLines() throws {
        #expect(
            try sample(.text) == """
                13:34:56.789 INFO     listening address=127.0.0.1:8080 list="[\\"a\\", \\"b\\"]" loops=2 map="[\\"k\\": \\"v\\"]" why="two words"
                13:34:56.789 ERROR    plain

                """
        )
    }

    @Test func jsonLines() throws {
        #expect(
            try sample(.json) == """
                {"ts":"2026-03-01T12:34:56.789Z","level":"info","msg":"listening","address":"127.0.0.1:8080",\
                "list":["a","b"],"loops":2,"map":{"k":"v"},"why":"two words"}
                {"ts":"2026-03-01T12:34:56.789Z","level":"error","msg":"plain"}

                """
        )
    }

    @Test func journalLines() throws {
        #expect(
            try sample(.journal) == """
                <6>listening address=127.0.0.1:8080 list="[\\"a\\", \\"b\\"]" loops=2 map="[\\"k\\": \\"v\\"]" why="two words"
                <3>plain

                """
        )
    }

    @Test func colourIsForTheLevelAlone() {
        var line = LogLine(format: .text(isColored: true), clock: .still)
        line.begin(.warning, "words")
        line.field(.count, 1)
        let bytes = line.end()
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "13:34:56.789 \u{1B}[33mWARNING \u{1B}[0m words count=1\n"
        )
    }

    @Test(arguments: [LogSettings.Format.text, .json, .journal])
    func nobodyAddsALineOrAField(format: LogSettings.Format) throws {
        let attack = "x\n<3>forged level=error\r\n{\"msg\":\"forged\"}\u{2028}\u{1B}[2J\u{85}"
        let text = try written(.with(format)) { log in
            logger(log).info(
                "\(attack)",
                metadata: ["key": "\(attack)", "k\n=\"forged": "v", "nested": ["a": ["\(attack)"], "\(attack)": "b"]]
            )
        }
        #expect(text.utf8.count { $0 == UInt8(ascii: "\n") } == 1)
        #expect(
            text.unicodeScalars.allSatisfy { $0 == "\n" || ($0.value >= 0x20 && !(0x7F...0x9F).contains($0.value)) }
        )
        #expect(!text.unicodeScalars.contains("\u{2028}"))
        #expect(!text.contains("\n<3>"))
        if format == .json { #expect(text.hasPrefix("{\"ts\":") && text.contains("\"k___forged\":\"v\"")) }
    }

    @Test func ourOwnKeysAppearOnce() throws {
        let text = try written(.with(.json)) { logger($0).info("m", metadata: ["ts": "a", "level": "b", "msg": "c"]) }
        #expect(text.hasSuffix(#""msg":"m","level_":"b","msg_":"c","ts_":"a"}"# + "\n"))
    }

    @Test func metadataOfLoggerProviderAndLineAreJoined() throws {
        let text = try written(.with(.journal)) { log in
            var handler = log.makeHandler(label: "test")
            handler.metadataProvider = Logger.MetadataProvider { ["b": "provider", "c": "provider"] }
            handler.metadata = ["a": "logger", "b": "logger"]
            Logger(label: "test") { _ in handler }.info("m", metadata: ["c": "line"])
        }
        #expect(text == "<6>m a=logger b=provider c=line\n")
    }

    @Test func errorsOfRunsShowTheirDetailToOperators() throws {
        let text = try written(.with(.journal)) { log in
            logger(log).warning("failed", error: RunError(.upstreamConnect, detail: "refused"))
        }
        #expect(text == "<4>failed error=\"upstream_connect from upstream: refused\"\n")
    }

    @Test func theLevelFollowsAReloadUnlessALoggerHasItsOwn() throws {
        let text = try written(.with(.journal, level: .warning)) { log in
            let follower = logger(log)
            var own = logger(log)
            own.logLevel = .error
            follower.info("1")
            log.apply(.with(.json, level: .debug))
            follower.debug("2")
            own.warning("3")
            own.error("4")
            follower.trace("5")
            #expect(log.level == .debug)
        }
        #expect(text == "<7>2\n<3>4\n")
    }

    @Test(arguments: [LogSettings.Format.text, .json, .journal])
    func canariesStayIn(format: LogSettings.Format) throws {
        let secrets = [Secret("sk-canary-1"), Secret("Bearer canary-two"), Secret("quoted\"canary")]
        let text = try written(.with(format), secrets: secrets) { log in
            log.apply(.with(format), secrets: [Secret("late-canary")])
            logger(log).info(
                "sent sk-canary-1",
                metadata: [
                    "a": "xsk-canary-1x", "b": ["sk-canary-1": "late-canary"], "c": ["canary-two"],
                    "d": .stringConvertible(Text("quoted\"canary")), "sk-canary-1": "e",
                ]
            )
            logger(log).error("failed", error: RunError(.upstreamAuth, detail: "with sk-canary-1"))
        }
        #expect(!text.contains("canary"), "\(text)")
        #expect(text.contains("<redacted>"))
    }

    @Test func whatIsVeryLongIsCut() throws {
        let text = try written(.with(.json)) { log in
            logger(log).info("m", metadata: ["a": "\(String(repeating: "a", count: 100_000))"])
        }
        #expect(text.utf8.count < 5000 && text.hasSuffix("…\"}\n"))
    }

    @Test func whatWasDroppedIsReportedInTheLogsOwnFormat() throws {
        let pipe = LogPipe()
        let filled = pipe.fill()
        let log = try GatewayLog(
            settings: .with(.json),
            secrets: [],
            descriptor: pipe.writer,
            clock: .still,
            limit: 200
        )
        for _ in 0..<100 { logger(log).info("words") }
        #expect(log.droppedLines > 0)
        pipe.discard(filled)
        #expect(log.close(seconds: 30))
        let start = #"{"ts":"2026-03-01T12:34:56.789Z","level":"warning","msg":"log lines dropped","count":"#
        let notices = pipe.readToEnd().split(separator: "\n").filter { $0.hasPrefix(start) }
        #expect(notices.reduce(0) { $0 + (Int($1.dropFirst(start.count).dropLast()) ?? 0) } == log.droppedLines)
    }

    private struct Text: CustomStringConvertible, Sendable {
        let description: String
        init(_ description: String) { self.description = description }
    }
}
