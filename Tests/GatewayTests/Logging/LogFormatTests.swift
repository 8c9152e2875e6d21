import Glibc
import Logging
import Testing

@testable import Gateway

@Suite struct LogFormatTests {
    private func stream(_ descriptor: Int32) -> String {
        var status = stat()
        fstat(descriptor, &status)
        return "\(status.st_dev):\(status.st_ino)"
    }

    private func format(
        _ setting: LogSettings.Format,
        _ descriptor: Int32,
        _ variables: [String: String] = [:]
    ) -> LogFormat {
        LogFormat(setting, descriptor: descriptor) { variables[$0] }
    }

    /// A pseudo terminal's main end, which counts as a terminal itself.
    private func withTerminal(_ body: (Int32) throws -> Void) throws {
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        try #require(terminal >= 0 && isatty(terminal) == 1)
        defer { close(terminal) }
        try body(terminal)
    }

    @Test func autoIsJournalWhenTheDescriptorIsTheJournals() {
        let pipe = LogPipe()
        #expect(format(.auto, pipe.writer, ["JOURNAL_STREAM": stream(pipe.writer)]) == .journal)
    }

    @Test(arguments: ["", "1:2", "x", ":"])
    func autoIsJSONWhenTheJournalIsElsewhere(stream: String) {
        let pipe = LogPipe()
        #expect(format(.auto, pipe.writer, ["JOURNAL_STREAM": stream]) == .json)
        #expect(format(.auto, pipe.writer) == .json)
    }

    @Test func autoIsTextOnATerminalAndColouredUnlessRefused() throws {
        try withTerminal { terminal in
            #expect(format(.auto, terminal) == .text(isColored: true))
            #expect(format(.auto, terminal, ["NO_COLOR": ""]) == .text(isColored: true))
            #expect(format(.auto, terminal, ["NO_COLOR": "1"]) == .text(isColored: false))
            #expect(format(.text, terminal, ["TERM": "dumb"]) == .text(isColored: false))
            #expect(format(.json, terminal) == .json)
        }
    }

    @Test func whatIsSetIsTaken() {
        let pipe = LogPipe()
        #expect(format(.text, pipe.writer) == .text(isColored: false))
        #expect(format(.json, pipe.writer, ["JOURNAL_STREAM": stream(pipe.writer)]) == .json)
        #expect(format(.journal, pipe.writer, ["JOURNAL_STREAM": stream(pipe.writer)]) == .journal)
        #expect(format(.journal, pipe.writer) == .prefixed)
    }

    @Test(arguments: zip(Logger.Level.allCases, ["<7>", "<7>", "<6>", "<5>", "<4>", "<3>", "<2>"]))
    func levelsBecomeSyslogPriorities(level: Logger.Level, prefix: String) throws {
        let text = try written(.with(.journal)) { log in
            Logger(label: "test") { log.makeHandler(label: $0) }.log(level: level, "words")
        }
        #expect(text == prefix + "words\n")
    }

    @Test(arguments: Logger.Level.allCases)
    func levelsSurviveTheirRank(level: Logger.Level) {
        #expect(Logger.Level(rank: level.rank) == level)
        #expect(LogSettings.Level(rawValue: level.rawValue).map { Logger.Level($0) } == level)
        #expect("\(level.jsonName)" == "\"\(level.rawValue)\"")
    }
}
