import Foundation
import Testing

/// Every case of LangServe's protocol (LS-1 to LS-140) is tested, or its absence is explained.
@Suite struct ProtocolCaseTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The cases that a text names, as `LS-7`, or the numbers in a row after `LS`, as `LS-7, LS-9`.
    private static func cases(in text: String) -> Set<Int> {
        Set(text.matches(of: /\bLS-(\d+)\b/).compactMap { Int($0.1) })
    }

    /// The cases in the names of tests: display names in Swift, docstrings of checks in Python.
    private static func tested() throws -> Set<Int> {
        let folder = root.appendingPathComponent("Tests")
        var found: Set<Int> = []
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
            let isSwift = path.hasSuffix(".swift")
            guard isSwift || path.hasSuffix(".py") else { continue }
            let text = try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
            if isSwift {
                for test in text.matches(of: /@Test\(\s*"([^"]*)"/) { found.formUnion(cases(in: String(test.1))) }
            } else {
                for check in text.matches(of: /@check\ndef \w+\(\):\n    """([^"]*)"""/) {
                    found.formUnion(cases(in: String(check.1)))
                }
            }
        }
        return found
    }

    @Test func `every case is the name of a test or a deviation in docs-langserve`() throws {
        let document = try String(contentsOf: Self.root.appendingPathComponent("docs/langserve.md"), encoding: .utf8)
        let known = try Self.tested().union(Self.cases(in: document))
        let missing = (1...140).filter { !known.contains($0) }.map { "LS-\($0)" }
        #expect(missing.isEmpty, "neither tested nor explained: \(missing.joined(separator: ", "))")
    }
}
