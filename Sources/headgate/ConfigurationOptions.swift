import ArgumentParser
import Gateway
import Glibc

/// `--config` and `--listen`, and what they come to.
struct ConfigurationOptions: ParsableArguments {
    /// Where a package puts the configuration; used when it is there and `--config` is not given.
    static let systemFile = "/etc/headgate/headgate.yaml"

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            """
            The configuration file. Without it: \(ConfigurationOptions.systemFile) where there is one, else a built-in \
            configuration with a mock model at / on 127.0.0.1:8080.
            """,
            valueName: "file"
        ),
        completion: .file(extensions: ["yaml", "yml"])
    )
    var config: String?

    @Option(
        help: ArgumentHelp(
            """
            Listen here instead of where the configuration says; may be repeated. 127.0.0.1:8080, [::1]:8080, unix:/path.
            """,
            valueName: "address"
        )
    )
    var listen: [String] = []

    /// A wrong address is a wrong argument, and no mistake of the configuration.
    func validate() throws {
        if case .failure(let errors) = Configuration.builtIn.overriding(listen: listen) {
            throw ValidationError("\(errors)")
        }
    }

    /// The file to read; nil for the built-in configuration.
    var file: String? {
        if let config { return config }
        return access(ConfigurationOptions.systemFile, R_OK) == 0 ? ConfigurationOptions.systemFile : nil
    }

    /// What the configuration is called in messages.
    var name: String { file ?? "built-in configuration" }

    /// Reads, checks and overrides. Any number of times: a reload does it again.
    func load() throws(ConfigurationErrors) -> Configuration {
        var configuration = Configuration.builtIn
        if let file {
            configuration = try ConfigurationLoader.load(
                file: file,
                environment: ConfigurationOptions.environmentVariables()
            ).get()
        }
        return listen.isEmpty ? configuration : try configuration.overriding(listen: listen).get()
    }

    /// Reads and checks; mistakes go to standard error, one a line, and end the process with 78.
    func loadOrExit() throws -> Configuration {
        do throws(ConfigurationErrors) {
            return try load()
        } catch {
            StandardError.write("\(error)\n")
            throw ExitCode.configuration
        }
    }

    /// This process's.
    static func environmentVariables() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            entry += 1
            let text = String(cString: pointer)
            guard let equals = text.firstIndex(of: "=") else { continue }
            variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        return variables
    }
}

extension ExitCode {
    /// `EX_CONFIG` of sysexits: the configuration is wrong.
    static let configuration = ExitCode(78)
}

/// Standard error, unbuffered.
enum StandardError {
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
