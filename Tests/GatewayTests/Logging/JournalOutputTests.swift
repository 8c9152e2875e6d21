import EventLoop
import Glibc
import HTTP
import Logging
import Runnable
import Testing

@testable import Gateway

/// Entries as systemd's journal gets them, at a socket that stands for its own.
@Suite(.timeLimit(.minutes(1))) struct JournalOutputTests {
    /// A datagram socket in a directory of its own.
    private final class Journal {
        let path: String
        private let directory: String
        private let descriptor: Int32
        private var isThere = true

        init() throws {
            var template = Array("/tmp/headgate-journal-XXXXXX".utf8CString)
            directory = try #require(mkdtemp(&template).map { String(cString: $0) })
            path = directory + "/socket"
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(bound == 0)
        }

        deinit { remove() }

        func remove() {
            // Twice, its number would be another's by then.
            guard isThere else { return }
            isThere = false
            close(descriptor)
            unlink(path)
            rmdir(directory)
        }

        /// The next datagram, which is waited for if need be, or nil when there is none.
        func next(isWaiting: Bool = false) -> String? {
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = recv(descriptor, &bytes, bytes.count, isWaiting ? 0 : Int32(MSG_DONTWAIT))
            return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
        }
    }

    private func variables(_ pipe: LogPipe, _ others: [String: String] = [:]) -> (String) -> String? {
        var status = stat()
        fstat(pipe.writer, &status)
        let stream = "\(status.st_dev):\(status.st_ino)"
        return { $0 == "JOURNAL_STREAM" ? stream : others[$0] }
    }

    private func makeLog(_ journal: String, _ pipe: LogPipe, _ others: [String: String] = [:]) throws -> GatewayLog {
        try GatewayLog(
            settings: .with(.auto),
            secrets: [Secret("sk-canary")],
            descriptor: pipe.writer,
            clock: .still,
            variable: variables(pipe, others),
            journal: journal
        )
    }

    private func logger(_ log: GatewayLog) -> Logger { Logger(label: "test") { log.makeHandler(label: $0) } }

    @Test func anEntryHasTheMessageThePriorityAndEachField() throws {
        let (pipe, journal) = (LogPipe(), try Journal())
        let log = try makeLog(journal.path, pipe)
        logger(log).warning(
            "words",
            metadata: [
                "a.key": "two words", "loops": .stringConvertible(2), "why": "a\n\nMESSAGE=forged \"x\" sk-canary",
            ]
        )
        logger(log).error("plain")
        #expect(log.close(seconds: 30))
        #expect(
            journal.next() == """
                SYSLOG_IDENTIFIER=headgate
                MESSAGE=words a.key="two words" loops=2 why="a\\n\\nMESSAGE=forged \\"x\\" <redacted>"
                PRIORITY=4
                HEADGATE_A_KEY=two words
                HEADGATE_LOOPS=2
                HEADGATE_WHY=a\\n\\nMESSAGE=forged "x" <redacted>

                """
        )
        #expect(journal.next() == "SYSLOG_IDENTIFIER=headgate\nMESSAGE=plain\nPRIORITY=3\n")
        #expect(journal.next() == nil)
        #expect(log.droppedLines == 0)
        #expect(pipe.readToEnd().isEmpty)
    }

    @Test func eachRequestOfABatchIsAnEntry() throws {
        let (pipe, journal) = (LogPipe(), try Journal())
        let log = try makeLog(journal.path, pipe, ["SYSLOG_IDENTIFIER": "headgate-one"])
        var line = LogLine(format: log.format, clock: .still)
        for number in 1...3 {
            var record = AccessRecord(
                requestID: .text("id \(number)"),
                route: "/",
                method: .post,
                endpoint: "invoke",
                status: 200,
                total: .microseconds(1500),
                outcome: .ok,
                client: .ipv4(0x7F00_0001, port: 80)
            )
            record.upstream = "local"
            line.append(record, .info, detail: nil)
        }
        log.write(line.bytes, lines: 3)
        #expect(log.close(seconds: 30))
        for number in 1...3 {
            #expect(
                journal.next() == """
                    SYSLOG_IDENTIFIER=headgate-one
                    MESSAGE=request id="id \(number)" route=/ method=POST endpoint=invoke status=200 outcome=ok bytes=0 total_ms=1.500 \
                    upstream=local client=127.0.0.1:80
                    PRIORITY=6
                    HEADGATE_ID=id \(number)
                    HEADGATE_ROUTE=/
                    HEADGATE_METHOD=POST
                    HEADGATE_ENDPOINT=invoke
                    HEADGATE_STATUS=200
                    HEADGATE_OUTCOME=ok
                    HEADGATE_BYTES=0
                    HEADGATE_TOTAL_MS=1.500
                    HEADGATE_UPSTREAM=local
                    HEADGATE_CLIENT=127.0.0.1:80

                    """
            )
        }
        #expect(journal.next() == nil)
    }

    @Test func withoutAJournalLinesHaveAPriority() throws {
        let pipe = LogPipe()
        let log = try makeLog("/nowhere/socket", pipe)
        #expect(log.format == .prefixed)
        logger(log).notice("words", metadata: ["a": "b"])
        #expect(log.close(seconds: 30))
        #expect(pipe.readToEnd() == "<5>words a=b\n")
    }

    @Test func whatTheJournalDoesNotTakeGoesToTheStream() throws {
        let (pipe, journal) = (LogPipe(), try Journal())
        let log = try makeLog(journal.path, pipe)
        logger(log).info("first")
        #expect(journal.next(isWaiting: true) != nil)
        journal.remove()
        logger(log).warning("second", metadata: ["a": "b c"])
        logger(log).info("third")
        #expect(log.close(seconds: 30))
        #expect(pipe.readToEnd() == "<4>second a=\"b c\"\n<6>third\n")
        #expect(log.droppedLines == 0)
    }

    @Test func anEntryThatIsTooLongForADatagramGoesToTheStream() throws {
        let (pipe, journal) = (LogPipe(), try Journal())
        var output = try #require(JournalOutput(path: journal.path, identifier: "x", descriptor: pipe.writer))
        let long = String(repeating: "a", count: 20 << 20)
        let lost = Array("MESSAGE=m\nPRIORITY=6\nHEADGATE_A=\(long)\n\n".utf8).withUnsafeBytes { output.write($0) }
        #expect(lost == 0)
        #expect(journal.next() == nil)
        #expect(pipe.readToEnd() == "<6>m\n")
    }

    @Test func namesOfFieldsAreTheJournals() {
        var buffer = LineBuffer()
        LogText.appendJournalKey("gen_ai.request-Model" + String(repeating: "x", count: 100), to: &buffer)
        let name = String(decoding: buffer.bytes, as: UTF8.self)
        #expect(name.hasPrefix("GEN_AI_REQUEST_MODELXXX"))
        #expect(("HEADGATE_" + name).utf8.count == 64)
    }
}
