import Testing

@testable import Gateway

@Suite struct TopTableTests {
    private func row(_ id: String, _ state: RequestRow.State = .streaming) -> RequestRow {
        RequestRow(
            id: id,
            runID: "7705a2ba-9b27-4217-b787-99d0d1693384",
            route: "/a/route/with/a/name",
            endpoint: "stream_events",
            upstream: "backend/a-model-with-a-name-9b",
            state: state,
            age: 2000,
            firstToken: 1000,
            tokens: 50,
            calls: 1,
            activeCalls: 1,
            items: nil,
            pendingBytes: 3 << 20,
            client: "127.0.0.1:50000"
        )
    }

    @Test func `wide, everything is there`() {
        let lines = TopTable.lines([row("7705a2ba-9b27-4217-b787-99d0d1693384")], width: 300, isColored: false)
        #expect(lines.count == 2)
        #expect(
            lines[0].split(separator: " ").map(String.init) == [
                "ID", "ROUTE", "ENDPOINT", "UPSTREAM", "AGE", "STATE", "TOKENS", "TOK/S", "WAITING", "CLIENT",
            ]
        )
        #expect(
            lines[1].split(separator: " ").map(String.init) == [
                "7705a2ba-9b27-4217-b787-99d0d1693384", "/a/route/with/a/name", "stream_events",
                "backend/a-model-with-a-name-9b", "2.0s", "streaming", "50", "49.0", "3.0M", "127.0.0.1:50000",
            ]
        )
    }

    @Test(arguments: Array(1...200))
    func `no line is wider than the screen, and what matters most goes last`(width: Int) {
        let rows = RequestRow.State.allCases.enumerated().map {
            row("id-\($0.offset)-of-a-request-with-a-long-name", $0.element)
        }
        let lines = TopTable.lines(rows, width: width, isColored: false)
        #expect(lines.count == rows.count + 1)
        #expect(lines.allSatisfy { $0.count <= width })
        guard width >= 60 else { return }
        for title in ["ID", "ROUTE", "AGE", "STATE", "TOKENS", "WAITING"] { #expect(lines[0].contains(title)) }
    }

    @Test func `ids are shortened as far as they stay different`() {
        let rows = [row("abcdefgh-1-aaaaaaaaaaaaaaaaaaaaaaa"), row("abcdefgh-2-aaaaaaaaaaaaaaaaaaaaaaa"), row("zz")]
        let lines = TopTable.lines(rows, width: 100, isColored: false)
        let ids = lines.dropFirst().compactMap { $0.split(separator: " ").first }
        #expect(Set(ids).count == 3)
        #expect(ids.allSatisfy { id in rows.contains { $0.id.hasPrefix(id) } })
    }

    @Test func `nothing moves the cursor`() {
        var nasty = row("a\u{1B}[2Jb")
        nasty.upstream = "\u{1B}]0;title\u{7}/模型"
        nasty.client = "\r\n"
        for width in [300, 40] {
            for line in TopTable.lines([nasty], width: width, isColored: false) {
                #expect(line.unicodeScalars.allSatisfy { 0x20...0x7E ~= $0.value })
            }
        }
    }

    @Test func `colours take no room`() {
        let rows = [row("a"), row("b", .blockedOnClient), row("c", .running)]
        let plain = TopTable.lines(rows, width: 300, isColored: false)
        let colored = TopTable.lines(rows, width: 300, isColored: true)
        #expect(colored[1] != plain[1])
        #expect(colored.map { $0.replacing(/\u{1B}\[[0-9]*m/, with: "") } == plain)
    }

    @Test(arguments: [
        (0, "0ms"), (999, "999ms"), (1000, "1.0s"), (9999, "9.9s"), (10_000, "10s"), (185_000, "3m05s"),
        (7_800_000, "2h10m"), (352_800_000, "4d02h"),
    ])
    func `durations`(milliseconds: Int, text: String) {
        #expect(ShortText.duration(milliseconds: milliseconds) == text)
    }

    @Test(arguments: [(0, "0"), (1023, "1023"), (1024, "1K"), (1 << 20, "1.0M"), (5 << 19, "2.5M")])
    func `bytes`(count: Int, text: String) {
        #expect(ShortText.bytes(count) == text)
    }
}
