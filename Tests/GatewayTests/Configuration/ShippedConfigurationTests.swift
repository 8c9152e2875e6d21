import Foundation
import Testing

@testable import Gateway

/// `Config/headgate.yaml`: loads as it is, and with whatever its reader switches on.
@Suite struct ShippedConfigurationTests {
    private static let environment = [
        "OPENAI_API_KEY": "sk-1", "OPENROUTER_API_KEY": "sk-2", "MISTRAL_API_KEY": "sk-3",
    ]

    private static var text: String {
        get throws {
            var root = URL(fileURLWithPath: #filePath)
            for _ in 0..<4 { root.deleteLastPathComponent() }
            return try String(contentsOf: root.appendingPathComponent("Config/headgate.yaml"), encoding: .utf8)
        }
    }

    /// Consecutive lines `#x` that belong together, by index: a line that is deeper belongs to the one before.
    private static func blocks(_ lines: [String]) -> [[Int]] {
        var blocks: [[Int]] = []
        for (index, line) in lines.enumerated() {
            let margin = line.prefix { $0 == " " }.count
            guard line.dropFirst(margin).first == "#" else { continue }
            let setting = line.dropFirst(margin + 1)
            let isDeeper = setting.hasPrefix("  ") && blocks.last?.last == index - 1
            if isDeeper {
                blocks[blocks.count - 1].append(index)
            } else if let first = setting.first, first != " " {
                blocks.append([index])
            }
        }
        return blocks
    }

    private static func enabling(_ blocks: [[Int]], in lines: [String]) -> String {
        var lines = lines
        for index in blocks.joined() { lines[index].replace("#", with: "", maxReplacements: 1) }
        return lines.joined(separator: "\n")
    }

    private static func load(_ text: String) throws -> Result<Configuration, ConfigurationErrors> {
        try withFolder { folder in
            try folder.write("certificate.pem", TestPEM.shared().certificate)
            try folder.write("key.pem", TestPEM.shared().key)
            try folder.write("groq", "sk-x\n")
            let environment = environment.merging(["CREDENTIALS_DIRECTORY": folder.path]) { $1 }
            return ConfigurationLoader.load(
                text: text,
                name: "headgate.yaml",
                directory: folder.path,
                environment: environment
            )
        }
    }

    @Test func `loads as it is, to what is built in`() throws {
        let loaded = try ConfigurationLoader.load(text: Self.text, name: "headgate.yaml", environment: [:]).get()
        #expect(loaded == Configuration.builtIn)
        #expect(loaded.warnings.isEmpty)
    }

    @Test func `loads with each block switched on`() throws {
        let lines = try Self.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let blocks = Self.blocks(lines)
        #expect(blocks.count > 40)
        for block in blocks {
            // A model needs its backend, a route its model: switch on what the error asks for.
            var enabled = [block]
            var result = try Self.load(Self.enabling(enabled, in: lines))
            while case .failure(let failure) = result, enabled.count < 4 {
                let names = failure.errors.compactMap {
                    $0.message.firstMatch(of: /there is no (?:backend|model) called "(.+?)"/)?.1
                }
                let key = failure.errors.first?.key.hasPrefix("models") == true ? "{dialect|dialect:" : "{backend"
                let wanted = blocks.filter { other in
                    let body = other.map { lines[$0] }.joined()
                    return names.contains { body.contains("#\($0):") }
                        && key.split(separator: "|").contains { body.contains($0) }
                }
                guard !wanted.isEmpty else { break }
                enabled += wanted
                result = try Self.load(Self.enabling(enabled, in: lines))
            }
            #expect(throws: Never.self, "\(block.map { lines[$0] })") { try result.get() }
        }
    }

    @Test func `loads with every block switched on`() throws {
        let lines = try Self.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let loaded = try Self.load(Self.enabling(Self.blocks(lines), in: lines)).get()
        #expect(
            loaded.backends.map(\.name) == [
                "mock", "local", "ollama", "vllm", "openai", "groq", "openrouter", "mistral",
            ]
        )
        #expect(loaded.routes.count == 8)
        #expect(loaded.listen.count == 4)
        // The settings shown are the defaults.
        #expect(loaded.server == ServerSettings())
        #expect(loaded.log == LogSettings())
        #expect(loaded.backend("mock")?.mock == MockSettings())
        #expect(loaded.backend("vllm")?.apiKey == nil)
        #expect(loaded.backend("groq")?.apiKey == Secret("sk-x"))
        #expect(loaded.backend("mistral")?.streamOptions == false)
    }

    /// The shape the project was specified with.
    @Test func `loads the specified shape`() throws {
        let text = """
            listen: 127.0.0.1:8080                 # or a list; entries may be {address, certificate, key} or unix:/path
            backends:
              mock:   {dialect: mock}
              local:  {dialect: openai, url: "http://127.0.0.1:18080/v1"}
              openai: {dialect: openai, url: "https://api.openai.com/v1", api_key: "${OPENAI_API_KEY}"}
            models:
              demo:   {backend: mock}
              gemma:  {backend: local, model: gemma3-270m, params: {temperature: 0, max_tokens: 64}}
            routes:
              /:      {model: demo, output: text}
              /chat:  {model: gemma, output: message}
            """
        let loaded = try configuration(text, environment: Self.environment)
        #expect(loaded.backends.map(\.name) == ["mock", "local", "openai"])
        #expect(loaded.model("gemma")?.params.map(\.description) == ["temperature: 0", "max_tokens: 64"])
        #expect(loaded.routes.map(\.output) == [.text, .message])
        #expect(loaded.warnings.isEmpty)
        #expect(try configuration("\u{feff}" + text, environment: Self.environment) == loaded)
        #expect(
            mistakes(text) == [
                "headgate.yaml:5: backends.openai.api_key: the environment variable OPENAI_API_KEY is not set"
            ]
        )
    }
}
