/// Reads a configuration file. The daemon, `headgate check` and reloads all come through here.
public enum ConfigurationLoader {
    /// Files beyond this are refused.
    private static let maximumBytes = 1 << 20

    /// Reads and checks a file. Blocks while reading it and the files it names.
    ///
    /// - Parameters:
    ///   - file: path of the file, as errors will name it. Relative paths inside start at its folder.
    ///   - environment: where `${VAR}` is looked up.
    /// - Returns: the configuration with its warnings, or every mistake there is.
    public static func load(file: String, environment: [String: String]) -> Result<Configuration, ConfigurationErrors> {
        switch SmallFile.read(file, limit: maximumBytes) {
        case .failure(let failure):
            return .failure(single(file, line: nil, "cannot be read: \(failure.reason)"))
        case .success(let content):
            if let line = lineOfInvalidText(content.bytes) {
                return .failure(single(file, line: line, "cannot be read: not UTF-8 text"))
            }
            let directory = file.contains("/") ? String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)]) : "."
            let text = String(decoding: content.bytes, as: UTF8.self)
            return load(
                text: text,
                name: file,
                directory: directory.isEmpty ? "/" : directory,
                environment: environment,
                isWorldReadable: content.isWorldReadable
            )
        }
    }

    /// Reads and checks a text, which errors call `name`. Relative paths inside start at `directory`.
    public static func load(
        text: String,
        name: String,
        directory: String = ".",
        environment: [String: String]
    ) -> Result<Configuration, ConfigurationErrors> {
        load(text: text, name: name, directory: directory, environment: environment, isWorldReadable: false)
    }

    private static func load(
        text: String,
        name: String,
        directory: String,
        environment: [String: String],
        isWorldReadable: Bool
    ) -> Result<Configuration, ConfigurationErrors> {
        let context = LoadContext(file: name, directory: directory, environment: environment)
        var reader = YAMLReader(context: context)
        var configuration = Configuration()
        if let root = reader.read(text), root.entries(at: .root, in: context) != nil {
            Configuration.fields.read(into: &configuration, from: root, at: .root, in: context)
            configuration.fillIn()
            ConfigurationChecks(configuration: configuration, context: context).run()
            if isWorldReadable, let key = context.literalKey(of: configuration) {
                context.warn(
                    key,
                    "this file can be read by every user of this machine; use ${VARIABLE} or api_key_file"
                )
            }
        }
        if let failure = context.failure { return .failure(failure) }
        configuration.warnings = context.warnings
        for key in ["listen", "loops", "handover", "server", "admin", "admin.group", "metrics.listen"] {
            configuration.lines[key] = context.line(SettingPath(text: key))
        }
        return .success(configuration)
    }

    /// The line of the first byte that is not UTF-8, or of a zero byte; nil when there is none.
    private static func lineOfInvalidText(_ bytes: [UInt8]) -> Int? {
        if !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil { return nil }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let index = lines.firstIndex { $0.contains(0) || String(validating: $0, as: UTF8.self) == nil }
        return (index ?? 0) + 1
    }

    private static func single(_ file: String, line: Int?, _ message: String) -> ConfigurationErrors {
        ConfigurationErrors(errors: [ConfigurationError(file: file, line: line, key: "", message: message)])
    }
}

extension Configuration {
    /// What the daemon serves without a file: the same as the shipped `Config/headgate.yaml`.
    public static var builtIn: Configuration {
        var configuration = Configuration()
        configuration.backends = [BackendSettings(name: "mock", dialect: .mock)]
        configuration.models = [ModelSettings(name: "demo", backend: "mock")]
        configuration.routes = [RouteSettings(path: "/", model: "demo", output: .text)]
        return configuration
    }

    /// The same configuration listening elsewhere, for `--listen`. An empty list changes nothing.
    ///
    /// - Returns: the configuration, with warnings about the new addresses instead of the old ones, or every mistake.
    public func overriding(listen addresses: [String]) -> Result<Configuration, ConfigurationErrors> {
        guard !addresses.isEmpty else { return .success(self) }
        let context = LoadContext(file: "--listen", directory: ".", environment: [:])
        var configuration = self
        configuration.listen = addresses.compactMap { text in
            let scalar = SettingScalar(text: text, source: text, isPlain: true)
            let node = SettingNode(content: .scalar(scalar), line: 0)
            switch ListenAddress.parse(scalar) {
            case .success(let address): return ListenerSettings(address: address)
            case .failure(let mismatch):
                context.report(.root, node, mismatch)
                return nil
            }
        }
        for (index, listener) in configuration.listen.enumerated() where !listener.address.isAnyPort {
            if configuration.listen[..<index].contains(where: { $0.address == listener.address }) {
                context.report(.root, "\(listener.address) is given twice")
            }
        }
        if let failure = context.failure { return .failure(failure) }
        configuration.warnings.removeAll { $0.key == "listen" || $0.key == "metrics" }
        for message in configuration.listenerWarnings { context.warn(.root, message) }
        if let warning = configuration.metricsWarning { context.warn(.root, warning) }
        configuration.warnings += context.warnings
        return .success(configuration)
    }

    /// Values that follow from others.
    fileprivate mutating func fillIn() {
        for index in backends.indices {
            backends[index].maxIdleConnections = min(backends[index].maxIdleConnections, backends[index].maxConnections)
        }
    }
}

extension LoadContext {
    /// The first key that stands in the file itself.
    fileprivate func literalKey(of configuration: Configuration) -> SettingPath? {
        let backends = SettingPath.root.child("backends")
        for backend in configuration.backends {
            if let literal = literalKey(below: backends.child(backend.name), backend.headers) { return literal }
        }
        return literalKey(below: SettingPath.root.child("tracing"), configuration.tracing.headers)
    }

    private func literalKey(below place: SettingPath, _ headers: [HeaderSetting]) -> SettingPath? {
        let headers = headers.filter(\.isSecret).map { place.child("headers").child($0.name) }
        return ([place.child("api_key")] + headers).first(where: isLiteral)
    }
}
