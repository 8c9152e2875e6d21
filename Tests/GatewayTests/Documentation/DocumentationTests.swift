import Foundation
import Testing

@testable import Gateway

/// What the documents say about files, settings and each other holds.
@Suite struct DocumentationTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static let documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Benchmarks/README.md"]
    private static var allDocuments: [String] {
        get throws {
            let folder = root.appendingPathComponent("docs")
            let found = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
            return documents + found.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
        }
    }

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(name), encoding: .utf8)
    }

    private static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).standardized.path)
    }

    /// The code blocks of a document in one language.
    private static func blocks(_ language: String, in document: String) -> [String] {
        document.matches(of: /(?ms)^```(\w+)\n(.*?)^```$/).filter { $0.1 == language }.map { String($0.2) }
    }

    // MARK: Configuration

    @Test(arguments: [("README.md", 3), ("docs/langserve.md", 1), ("docs/tracing.md", 1)])
    func `configurations in documents load`(_ document: String, _ least: Int) throws {
        let blocks = Self.blocks("yaml", in: try Self.text(document))
        #expect(blocks.count >= least)
        try withFolder { folder in
            try folder.write("openai_api_key", "sk-x\n")
            for block in blocks {
                let loaded = ConfigurationLoader.load(
                    text: block,
                    name: document,
                    directory: folder.path,
                    environment: ["OPENAI_API_KEY": "sk-x", "CREDENTIALS_DIRECTORY": folder.path]
                )
                #expect(throws: Never.self, "\(block)") { try loaded.get() }
            }
        }
    }

    @Test func `the pipelines of the guide load, and are drawn as it shows them`() throws {
        let text = try Self.text("docs/pipelines.md")
        let blocks = Self.blocks("yaml", in: text)
        #expect(blocks.count >= 3)
        for block in blocks {
            let loaded = ConfigurationLoader.load(text: block, name: "docs/pipelines.md", environment: [:])
            #expect(throws: Never.self, "\(block)") { try loaded.get() }
        }
        let graph = PipelineGraph(try configuration(try #require(blocks.first)))
        #expect(Self.blocks("mermaid", in: text) == [graph.text(.mermaid)])
        #expect(Self.blocks("console", in: text).contains { $0.hasSuffix("pipelines.yaml\n" + graph.text(.ascii)) })
    }

    /// Run with HEADGATE_WRITE_DOCS=1 to write the reference instead of comparing it.
    @Test func `docs-configuration lists the keys that the loader reads`() throws {
        let name = "docs/configuration.md"
        let mark = "<!-- written by DocumentationTests -->\n"
        let text = try Self.text(name)
        let start = try #require(text.range(of: mark)).upperBound
        if ProcessInfo.processInfo.environment["HEADGATE_WRITE_DOCS"] == "1" {
            let written = text[..<start] + ConfigurationReference.markdown
            try written.write(to: Self.root.appendingPathComponent(name), atomically: true, encoding: .utf8)
        } else {
            let isCurrent = text[start...] == ConfigurationReference.markdown
            #expect(isCurrent, "run: HEADGATE_WRITE_DOCS=1 swift test --filter DocumentationTests")
        }
    }

    // MARK: Code

    /// Leading white space aside, each block of the guide stands in the test that runs it.
    @Test func `docs-runnable holds code that is compiled`() throws {
        func lines(_ text: String) -> String {
            text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
        }
        let code = lines(try Self.text("Tests/RunnableTests/RunnableGuideTests.swift"))
        let blocks = Self.blocks("swift", in: try Self.text("docs/runnable.md"))
        #expect(blocks.count > 10)
        for block in blocks { #expect(code.contains(lines(block)), "\(block)") }
    }

    // MARK: Paths

    @Test(arguments: try allDocuments)
    func `links lead somewhere`(_ name: String) throws {
        let folder = (name as NSString).deletingLastPathComponent
        for match in try Self.text(name).matches(of: /\]\(([^)#\s]+)(#[^)]*)?\)/) where !match.1.contains("://") {
            let path = folder.isEmpty ? String(match.1) : "\(folder)/\(match.1)"
            #expect(Self.exists(path), "\(name): \(match.1)")
        }
    }

    @Test(arguments: try allDocuments)
    func `files that are named exist`(_ name: String) throws {
        let pattern = /`((?:Sources|Tests|Fuzz|Config|systemd|script|\.ci)\/[\w\/+.-]+)`/
        for match in try Self.text(name).matches(of: pattern) {
            #expect(Self.exists(String(match.1)), "\(name): \(match.1)")
        }
    }

    /// The runbook's table: an operator who meets a line finds what to do.
    @Test func `docs-operations explains every log message`() throws {
        let runbook = try Self.text("docs/operations.md")
        let folder = Self.root.appendingPathComponent("Sources")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var messages: Set<String> = []
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /logger\.(?:notice|warning|error|critical|info)\(\s*"([^"\\]+)"/) {
                messages.insert(String(match.1))
            }
        }
        #expect(messages.count > 20)
        for message in messages { #expect(runbook.contains("`\(message)`"), "\(message)") }
    }

    @Test func `every decision is listed`() throws {
        let index = try Self.text("docs/decisions/README.md")
        for name in try Self.allDocuments where name.hasPrefix("docs/decisions/0") {
            #expect(index.contains("](\((name as NSString).lastPathComponent))"), "\(name)")
        }
    }
}
