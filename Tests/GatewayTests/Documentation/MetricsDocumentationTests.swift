import Foundation
import Testing

@testable import Gateway

/// `docs/metrics.md` says what the table in the code says.
@Suite struct MetricsDocumentationTests {
    private static let file = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("docs/metrics.md")

    /// Run with HEADGATE_WRITE_DOCS=1 to write the reference instead of comparing it.
    @Test func `docs-metrics lists the metrics that there are`() throws {
        let mark = "<!-- written by MetricsDocumentationTests -->\n"
        let text = try String(contentsOf: Self.file, encoding: .utf8)
        let start = try #require(text.range(of: mark)).upperBound
        if ProcessInfo.processInfo.environment["HEADGATE_WRITE_DOCS"] == "1" {
            try (text[..<start] + MetricFamily.reference).write(to: Self.file, atomically: true, encoding: .utf8)
        } else {
            let isCurrent = text[start...] == MetricFamily.reference
            #expect(isCurrent, "run: HEADGATE_WRITE_DOCS=1 swift test --filter MetricsDocumentationTests")
        }
    }

    @Test func `each metric is named once, and as its kind wants`() {
        let names = MetricFamily.all.map(\.name)
        #expect(Set(names).count == names.count)
        for family in MetricFamily.all {
            #expect(family.name.hasSuffix("_total") == (family.kind == .counter), "\(family.name)")
            #expect(
                !family.help.hasSuffix(".") && !family.help.isEmpty && family.advice.hasSuffix("."),
                "\(family.name)"
            )
        }
    }

    /// What is shown is in the table, in its order, whether or not there is anything to show.
    @Test func `every metric of the table is shown`() {
        let document = MetricsDocument(loops: [], names: MetricNames().all, service: ServiceReading(), process: .now())
        let text = String(decoding: document.text(.prometheus), as: UTF8.self)
        let shown = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
        #expect(Set(shown.map(String.init)) == Set(MetricFamily.all.map(\.name)))
        #expect(shown.count == MetricFamily.all.count)
    }
}
