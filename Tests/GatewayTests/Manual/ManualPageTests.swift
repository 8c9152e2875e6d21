import Testing

@testable import Gateway

@Suite struct ManualPageTests {
    /// What a page's body comes to, its head aside.
    private static func body(_ write: (inout ManualPage) -> Void) -> String {
        var page = ManualPage(name: "headgate", section: 1, date: "2026-11-28")
        let head = page.source
        write(&page)
        return String(page.source.dropFirst(head.count))
    }

    @Test func `begins with the title that man reads`() {
        let page = ManualPage(name: "headgate.yaml", section: 5, date: "2026-11-28")
        #expect(page.source.contains("\n.TH HEADGATE.YAML 5 2026-11-28 \"Headgate \(Gateway.version)\"\n"))
    }

    @Test func `what roff takes for its own is escaped`() {
        #expect(
            Self.body { $0.paragraph("a\\b and --listen, not-this; `x-y`") }
                == ".PP\na\\eb and \\-\\-listen, not-this; \\fBx\\-y\\fR\n"
        )
        #expect(Self.body { $0.paragraph(".SH is no heading") } == ".PP\n\\&.SH is no heading\n")
        #expect(
            Self.body { $0.example("'a' ~^`\n.b") } == ".PP\n.RS 4\n.EX\n\\(aqa\\(aq \\(ti\\(ha\\(ga\n\\&.b\n.EE\n.RE\n"
        )
    }

    @Test func `a paragraph behind a heading needs no macro`() {
        #expect(
            Self.body {
                $0.section("FILES"); $0.paragraph("One."); $0.paragraph("Two.")
            } == ".SH FILES\nOne.\n.PP\nTwo.\n"
        )
    }

    @Test func `terms tell what is typed from what is not`() {
        #expect(
            Self.body { $0.entry("-c, --config <file>", "Reads it.", note: "required") }
                == ".TP\n\\fB\\-c, \\-\\-config \\fR\\fIfile\\fR\nReads it.\n.br\nrequired\n"
        )
        #expect(Self.body { $0.entry("<route>", "Which.") } == ".TP\n\\fIroute\\fR\nWhich.\n")
        #expect(
            Self.body { $0.usage("headgate graph [<route>]") }
                == ".HP\n\\fBheadgate graph [\\fR\\fIroute\\fR\\fB]\\fR\n"
        )
    }

    @Test func `help text becomes paragraphs and examples`() {
        let text = """
            Two lines
            of one paragraph.

              headgate serve
                --deeper
            Behind it.
            """
        #expect(
            Self.body { $0.prose(text) } == """
                .PP
                Two lines of one paragraph.
                .PP
                .RS 4
                .EX
                headgate serve
                  \\-\\-deeper
                .EE
                .RE
                .PP
                Behind it.

                """
        )
    }

    @Test func `lines stay short, and lose no word`() {
        let words = (0..<200).map { "word\($0)" }
        let lines = Self.body { $0.paragraph(words.joined(separator: " ")) }.split(separator: "\n").dropFirst()
        #expect(lines.allSatisfy { $0.utf8.count < 80 })
        #expect(lines.joined(separator: " ").split(separator: " ").map(String.init) == words)
    }
}
