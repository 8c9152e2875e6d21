import Testing

@testable import Gateway

/// headgate.yaml(5) says all that the loader reads.
@Suite struct ConfigurationManualTests {
    private static let source = ConfigurationManual.source(date: "2026-11-28")
    private static let entries = source.components(behind: ".TP\n")

    @Test func `every key has one entry, with its type and default`() {
        let settable = ConfigurationReference.keys.filter { $0.type != "mapping" }
        #expect(settable.count > 60)
        for key in settable {
            let term = "\\fB\(ManualPage.escape(key.path, isLiteral: true))\\fR\n"
            let found = Self.entries.filter { $0.hasPrefix(term) }
            #expect(found.count == 1, "\(key.path)")
            let words = found.first?.split(whereSeparator: \.isWhitespace).joined(separator: " ") ?? ""
            #expect(words.contains(" .br \(key.type.prefix { $0 != "`" })"), "\(key.path): \(words)")
            if key.isRequired { #expect(words.contains("; required"), "\(key.path)") }
            if let value = key.defaultValue {
                #expect(words.contains("; default \\fB\(ManualPage.escape(value, isLiteral: true))\\fR"), "\(key.path)")
            }
        }
    }

    @Test func `every section has a heading and its summary`() {
        for key in ConfigurationReference.keys where key.type == "mapping" && !key.path.contains(".") {
            #expect(Self.source.contains(".SS \(key.path)\n"), "\(key.path)")
        }
    }

    @Test func `its example loads`() throws {
        #expect(try configuration(ConfigurationManual.example).routes.count == 2)
    }
}

extension String {
    /// The parts that follow each `mark`.
    fileprivate func components(behind mark: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = self[...]
        while let range = rest.firstRange(of: mark) {
            rest = rest[range.upperBound...]
            parts.append(rest[..<(rest.firstRange(of: mark)?.lowerBound ?? rest.endIndex)])
        }
        return parts
    }
}
