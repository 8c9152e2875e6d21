import Foundation
import TestAuthority
import Testing

@testable import Gateway

/// The smallest file that serves something; further keys follow on line 4.
let minimal = """
    backends: {mock: {dialect: mock}}
    models: {demo: {backend: mock}}
    routes: {/: {model: demo}}

    """

/// Loads a text that must be right.
func configuration(_ text: String, environment: [String: String] = [:]) throws -> Configuration {
    try ConfigurationLoader.load(text: text, name: "headgate.yaml", environment: environment).get()
}

/// The mistakes of a text, as they are printed; empty when it loads.
func mistakes(_ text: String, environment: [String: String] = [:]) -> [String] {
    switch ConfigurationLoader.load(text: text, name: "headgate.yaml", environment: environment) {
    case .success: []
    case .failure(let failure): failure.errors.map(\.description)
    }
}

/// A folder that is gone after `body`.
func withFolder<Value>(_ body: (URL) throws -> Value) throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("headgate-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}

extension URL {
    /// Writes a file of this folder, readable by its owner unless told otherwise.
    @discardableResult
    func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
        let file = appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
        return file.path
    }
}

/// A certificate and its private key in PEM form, made once.
struct TestPEM {
    let certificate: String
    let key: String

    static func shared() throws -> TestPEM { try made.get() }

    private static let made = Result {
        let authority = try TestAuthority.make()
        let identity = try authority.issue()
        return TestPEM(
            certificate: try String(contentsOfFile: identity.certificateFile, encoding: .utf8),
            key: try String(contentsOfFile: identity.keyFile, encoding: .utf8)
        )
    }
}
