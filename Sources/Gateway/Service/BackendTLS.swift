import TLS

/// The TLS contexts of a configuration, made once and shared by all loops.
struct BackendTLS: Sendable {
    private let contexts: [String: TLSContext]

    /// Makes a context for each backend reached over https.
    ///
    /// - Throws: `ConfigurationErrors` naming every backend whose certificates cannot be used.
    init(_ backends: [BackendSettings], file: String) throws(ConfigurationErrors) {
        var contexts: [String: TLSContext] = [:]
        var errors: [ConfigurationError] = []
        for backend in backends where backend.url?.scheme == .https {
            let options = TLSContext.ClientOptions(
                trustRootsFile: backend.caFile,
                clientCertificateFile: backend.clientCertificate?.certificate,
                clientKeyFile: backend.clientCertificate?.key
            )
            do throws(TLSError) {
                contexts[backend.name] = try TLSContext.client(options)
            } catch {
                errors.append(
                    ConfigurationError(
                        file: file,
                        line: nil,
                        key: "backends.\(backend.name)",
                        message: error.description
                    )
                )
            }
        }
        guard errors.isEmpty else { throw ConfigurationErrors(errors: errors) }
        self.contexts = contexts
    }

    /// The context for a backend; nil for one that is not reached over TLS.
    subscript(backend: String) -> TLSContext? { contexts[backend] }
}
