import Foundation
import TLS
import Testing

@testable import Gateway

struct PlaygroundPageTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Sources/Gateway/Doors/Playground")

    private let page = String(decoding: PlaygroundPage.body, as: UTF8.self)

    /// `page.html` with every `{{file}}` replaced by that file.
    private static func assembled() throws -> String {
        func text(_ name: String) throws -> String {
            try String(contentsOf: folder.appendingPathComponent("Page/\(name)"), encoding: .utf8)
        }
        var page = try text("page.html")
        for match in page.matches(of: /\{\{([a-z]+\.(?:css|js))\}\}/) {
            page = page.replacing(match.0, with: try text(String(match.1)))
        }
        return page
    }

    /// What a policy calls the page's one block of a kind.
    private static func hash(of tag: String, in page: String) throws -> String {
        let blocks = page.matches(of: try Regex("(?s)<\(tag)[^>]*>(.*?)</\(tag)>", as: (Substring, Substring).self))
        #expect(blocks.count == 1)
        let digest = Digest.sha256(Array(try #require(blocks.first).output.1.utf8))
        return "sha256-\(Data(digest).base64EncodedString())"
    }

    /// Run with HEADGATE_WRITE_DOCS=1 to write the embedded page instead of comparing it.
    @Test func `the embedded page is made of the files in Page`() throws {
        let page = try Self.assembled()
        if ProcessInfo.processInfo.environment["HEADGATE_WRITE_DOCS"] == "1" {
            let lines = [
                "// swift-format-ignore-file", "// Written by PlaygroundPageTests from the files in Page/; edit those.",
                "",
                "enum PlaygroundSources {",
                "    static let scriptHash = \"\(try Self.hash(of: "script", in: page))\"",
                "    static let styleHash = \"\(try Self.hash(of: "style", in: page))\"",
                "    static let page = ##\"\"\"", page, "\"\"\"##", "}", "",
            ]
            let file = Self.folder.appendingPathComponent("PlaygroundSources.swift")
            try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
        } else {
            let isCurrent = PlaygroundSources.page == page
            #expect(isCurrent, "run: HEADGATE_WRITE_DOCS=1 swift test --filter PlaygroundPageTests")
            #expect(PlaygroundSources.scriptHash == (try Self.hash(of: "script", in: page)))
            #expect(PlaygroundSources.styleHash == (try Self.hash(of: "style", in: page)))
        }
    }

    @Test func `every file in Page is used`() throws {
        let html = try String(contentsOf: Self.folder.appendingPathComponent("Page/page.html"), encoding: .utf8)
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.appendingPathComponent("Page").path)
        #expect(files.count >= 4)
        for file in files where file != "page.html" { #expect(html.contains("{{\(file)}}")) }
        #expect(!page.contains("{{"))
    }

    @Test func `the policy allows the page's own blocks and nothing else`() throws {
        let directives = PlaygroundPage.contentSecurityPolicy.split(separator: "; ").map(String.init)
        let styles = page.matches(of: /(?s)<style>(.*?)<\/style>/)
        let scripts = page.matches(of: /(?s)<script type="module">(.*?)<\/script>/)
        #expect(styles.count == 1 && scripts.count == 1)
        #expect(page.matches(of: /<script/).count == 1 && page.matches(of: /<style/).count == 1)
        let style = Data(Digest.sha256(Array(try #require(styles.first).1.utf8))).base64EncodedString()
        let script = Data(Digest.sha256(Array(try #require(scripts.first).1.utf8))).base64EncodedString()
        #expect(
            directives == [
                "default-src 'none'", "script-src 'sha256-\(script)'", "style-src 'sha256-\(style)'",
                "connect-src 'self'",
                "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
                "require-trusted-types-for 'script'", "trusted-types 'none'",
            ]
        )
    }

    @Test func `nothing in the page needs another host, or a weaker policy`() throws {
        let markup = page.replacing(/(?s)<style>.*?<\/style>|<script type="module">.*?<\/script>/, with: "")
        #expect(markup.firstMatch(of: /\son[a-z]+\s*=/) == nil, "an inline event handler")
        #expect(markup.firstMatch(of: /\sstyle\s*=/) == nil, "a style attribute")
        #expect(markup.firstMatch(of: /\s(src|action|formaction|srcset)\s*=/) == nil, "a file of its own")
        #expect(
            markup.matches(of: /\shref="([^"]*)"/).allSatisfy { $0.1.hasPrefix("#") || $0.1.hasPrefix("data:image/") }
        )
        let withoutNamespace = page.replacing("http://www.w3.org/2000/svg", with: "")
        #expect(withoutNamespace.firstMatch(of: /(?i)(https?|wss?):\/\/|@import|url\(/) == nil, "another host")
        let script = try #require(page.firstMatch(of: /(?s)<script type="module">(.*?)<\/script>/)).1
        for word in [
            "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "import(",
        ] {
            #expect(!script.contains(word))
        }
        #expect(script.firstMatch(of: /setAttribute\('(style|on)/) == nil)
    }

    @Test func `the page is of a size that is fine to send`() {
        #expect((10_000..<120_000).contains(PlaygroundPage.body.count))
    }
}
