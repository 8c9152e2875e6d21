import EventLoop
import HTTP
import Logging
import Runnable
import Synchronization
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1))) struct AccessLogTests {
    private static let client = SocketAddress.ipv4(0x7F00_0001, port: 54321)

    private func record(_ outcome: AccessRecord.Outcome = .ok) -> AccessRecord {
        AccessRecord(
            requestID: .run(RunID(high: 0x0123_4567_89AB_7DEF, low: 0x8123_4567_89AB_CDEF)),
            route: "/chat",
            method: .post,
            endpoint: "stream",
            status: 200,
            total: .microseconds(1_234_567),
            outcome: outcome,
            client: Self.client
        )
    }

    private func full() -> AccessRecord {
        var record = record(.timeout)
        record.requestID = .text("caller 1")
        record.status = 504
        record.bytes = 4321
        record.inputTokens = 12
        record.outputTokens = 64
        record.firstToken = .microseconds(87)
        record.upstream = "local"
        record.error = .timeoutIdle
        record.items = 3
        record.detail = "said \"no\"\nand left"
        return record
    }

    /// What one access log on a loop that does not run writes.
    private func lines(
        _ settings: LogSettings,
        secrets: [Secret] = [],
        _ records: [AccessRecord]
    ) throws -> String {
        try written(settings, secrets: secrets) { log in
            let access = AccessLog(log: log, loop: try EventLoop(name: "test"))
            for record in records { access.record(record) }
            access.close()
            access.close()
        }
    }

    @Test("outcomes are written as they are called", arguments: AccessRecord.Outcome.allCases)
    func outcomes(outcome: AccessRecord.Outcome) {
        #expect("\(outcome.word)" == outcome.rawValue)
    }

    @Test func jsonLines() throws {
        #expect(
            try lines(.with(.json), [record(), full()]) == """
                {"ts":"2026-03-01T12:34:56.789Z","level":"info","msg":"request",\
                "id":"01234567-89ab-7def-8123-456789abcdef","route":"/chat","method":"POST","endpoint":"stream",\
                "status":200,"outcome":"ok","bytes":0,"total_ms":1234.567,"client":"127.0.0.1:54321"}
                {"ts":"2026-03-01T12:34:56.789Z","level":"warning","msg":"request","id":"caller 1","route":"/chat",\
                "method":"POST","endpoint":"stream","status":504,"outcome":"timeout","bytes":4321,"tokens_in":12,\
                "tokens_out":64,"first_token_ms":0.087,"total_ms":1234.567,"upstream":"local","items":3,\
                "error":"timeout_idle","client":"127.0.0.1:54321","detail":"said \\"no\\"\\nand left"}

                """
        )
    }

    @Test func textLines() throws {
        #expect(
            try lines(.with(.text), [record(), full()]) == """
                13:34:56.789 INFO     request id=01234567-89ab-7def-8123-456789abcdef route=/chat method=POST \
                endpoint=stream status=200 outcome=ok bytes=0 total_ms=1234.567 client=127.0.0.1:54321
                13:34:56.789 WARNING  request id="caller 1" route=/chat method=POST endpoint=stream status=504 \
                outcome=timeout bytes=4321 tokens_in=12 tokens_out=64 first_token_ms=0.087 total_ms=1234.567 \
                upstream=local items=3 error=timeout_idle client=127.0.0.1:54321 detail="said \\"no\\"\\nand left"

                """
        )
    }

    @Test func journalLines() throws {
        #expect(
            try lines(.with(.journal), [record(), record(.internalError)]) == """
                <6>request id=01234567-89ab-7def-8123-456789abcdef route=/chat method=POST endpoint=stream status=200 \
                outcome=ok bytes=0 total_ms=1234.567 client=127.0.0.1:54321
                <3>request id=01234567-89ab-7def-8123-456789abcdef route=/chat method=POST endpoint=stream status=200 \
                outcome=internal_error bytes=0 total_ms=1234.567 client=127.0.0.1:54321

                """
        )
    }

    @Test(arguments: [
        (Duration.zero, "0.000"),
        (.nanoseconds(999), "0.000"),
        (.nanoseconds(1000), "0.001"),
        (.milliseconds(-5), "0.000"),
        (.seconds(18), "18000.000"),
        (.seconds(19), "19000.000"),
        (.seconds(86_400) + .microseconds(10), "86400000.010"),
    ])
    func durationsAreMilliseconds(duration: Duration, expected: String) throws {
        var record = record()
        record.total = duration
        #expect(try lines(.with(.journal), [record]).contains(" total_ms=\(expected) "))
    }

    @Test(arguments: [
        (SocketAddress.ipv6(high: 0, low: 1, port: 80, scope: 0), "[::1]:80"),
        (.unix(path: ""), "unix:"),
        (.ipv4(0xFFFF_FFFF, port: 65535), "255.255.255.255:65535"),
        (.ipv4(0, port: 0), "0.0.0.0:0"),
    ])
    func clientsAreAddresses(client: SocketAddress, expected: String) throws {
        var record = record()
        record.client = client
        #expect(try lines(.with(.journal), [record]).contains(" client=\(expected)\n"))
    }

    @Test func methodsAreAsSent() throws {
        for (method, expected) in [(HTTPMethod.get, "GET"), (.delete, "DELETE"), (.options, "OPTIONS")] {
            var record = record()
            record.method = method
            #expect(try lines(.with(.journal), [record]).contains(" method=\(expected) "))
        }
    }

    @Test(arguments: [LogSettings.Format.text, .json, .journal])
    func textFromOutsideStaysInItsField(format: LogSettings.Format) throws {
        let attack = "x\n<3>request status=200 \"},{\u{1B}[2J\u{85}\u{202E}"
        var record = record()
        record.requestID = .text(attack)
        record.route = attack
        record.upstream = attack
        record.detail = attack
        record.client = .unix(path: attack)
        record.method = try #require(HTTPMethod(checking: "G'|~T"))
        let text = try lines(.with(format), [record])
        #expect(text.utf8.count { $0 == UInt8(ascii: "\n") } == 1)
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || (0x20...0x7E).contains($0.value) })
    }

    @Test func detailsAreRedactedAndCut() throws {
        var record = full()
        record.detail = "sk-canary-123 refused " + String(repeating: "a", count: 10_000)
        let text = try lines(.with(.json), secrets: [Secret("sk-canary-123")], [record])
        #expect(!text.contains("canary"))
        #expect(text.contains(#""detail":"<redacted> refused aaa"#))
        #expect(text.utf8.count < 5000)
    }

    @Test func anEmptyDetailIsNone() throws {
        var record = record()
        record.detail = ""
        #expect(!(try lines(.with(.json), [record]).contains("detail")))
    }

    @Test func nothingIsWrittenWhenSwitchedOffOrBelowTheLevel() throws {
        #expect(try lines(.with(.json, access: false), [record(), full()]) == "")
        let outcomes = AccessRecord.Outcome.allCases
        func shown(_ level: LogSettings.Level) throws -> Int {
            try lines(.with(.json, level: level), outcomes.map { record($0) }).split(separator: "\n").count
        }
        #expect(try shown(.info) == outcomes.count)
        #expect(try shown(.warning) == 4)
        #expect(try shown(.error) == 1)
        #expect(try shown(.critical) == 0)
    }

    @Test func aReloadSwitchesItOnAndOff() throws {
        let text = try written(.with(.json, access: false)) { log in
            let access = AccessLog(log: log, loop: try EventLoop(name: "test"))
            access.record(record())
            log.apply(.with(.json))
            access.record(record())
            log.apply(.with(.json, access: false))
            access.record(record())
            access.close()
        }
        #expect(text.split(separator: "\n").count == 1)
    }

    @Test func aFullBatchLeavesAtOnce() throws {
        let pipe = LogPipe()
        let log = try GatewayLog(settings: .with(.json), secrets: [], descriptor: pipe.writer, clock: .still)
        let access = AccessLog(log: log, loop: try EventLoop(name: "test"))  // does not run: its timer cannot help
        defer { access.close() }
        var count = 0
        let size = try lines(.with(.json), [record()]).utf8.count
        while count * size <= AccessLog.batchSize {
            access.record(record())
            count += 1
        }
        #expect(pipe.readLines(count).count == count)
    }

    @Test func aSingleLineLeavesByItself() throws {
        let pipe = LogPipe()
        let log = try GatewayLog(settings: .with(.json), secrets: [], descriptor: pipe.writer, clock: .still)
        let loop = try EventLoop(name: "test")
        let access = LoopBound(AccessLog(log: log, loop: loop), loop: loop)
        try loop.start()
        for _ in 0..<2 {  // the timer works more than once
            loop.execute { access.value.record(record()) }
            #expect(pipe.readLines(1).count == 1)
        }
        loop.execute { access.value.close() }
        loop.stop()
        loop.join()
    }

    @Test(arguments: RunError.Code.allCases)
    func everyErrorHasAnOutcome(code: RunError.Code) {
        let outcome = AccessRecord.Outcome(code)
        #expect(outcome != .ok)
        #expect((outcome == .clientError) == (code.status == 400))
        #expect((outcome == .timeout) == (code.status == 504))
    }
}
