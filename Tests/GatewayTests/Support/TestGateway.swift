import EventLoop
import Glibc
import Testing

@testable import Gateway

/// The whole gateway inside the test, on a free port, talked to over real sockets.
struct TestGateway: Sendable {
    let gateway: Gateway
    let port: UInt16
    /// What it was started with, for reloads.
    let configuration: Configuration
    private let log: LogFile

    /// Runs `body` with a gateway of this configuration, and stops it.
    ///
    /// - Parameter text: a configuration without `listen`.
    static func run(
        _ text: String,
        loops: Int = 1,
        change: (inout Configuration) -> Void = { _ in },
        _ body: (TestGateway) async throws -> Void
    ) async throws {
        SignalWatcher.ignoreBrokenPipes()
        var configuration = try GatewayTests.configuration(text)
        configuration.listen = [ListenerSettings(address: .ipv4(host: "127.0.0.1", port: 0))]
        configuration.loops = .fixed(loops)
        configuration.server.drainTimeout = .seconds(1)
        configuration.log.format = .json
        change(&configuration)
        let file = LogFile()
        let log = try GatewayLog(
            settings: configuration.log,
            secrets: configuration.secrets,
            descriptor: file.descriptor
        )
        let gateway = try await Gateway.start(configuration, file: "test.yaml", log: log)
        guard case .ipv4(_, let port) = gateway.addresses[0] else { preconditionFailure("no port") }
        do {
            try await body(TestGateway(gateway: gateway, port: port, configuration: configuration, log: file))
        } catch {
            Issue.record(error)
        }
        await gateway.stop()
        let loops = gateway.loops
        try await onThread { for loop in loops { loop.join() } }
        #expect(log.close(seconds: 5))
    }

    /// One request on a connection of its own.
    func send(_ request: TestRequest) async throws -> TestReply {
        try await talk { connection in
            try connection.send(request)
            return try connection.reply(toHead: request.method == "HEAD")
        }
    }

    /// `POST` with a body.
    func post(_ path: String, _ body: String, _ fields: String...) async throws -> TestReply {
        try await send(TestRequest(path: path, fields: fields, body: Array(body.utf8)))
    }

    /// Runs blocking client code with a connection, on a thread.
    func talk<T: Sendable>(_ body: @escaping @Sendable (TestConnection) throws -> T) async throws -> T {
        let port = port
        return try await onThread {
            let connection = try TestConnection(port: port)
            defer { connection.close() }
            return try body(connection)
        }
    }

    /// Everything logged once requests that have ended are in it.
    func logText(containing mark: String) async throws -> String {
        let file = log
        return try await onThread { try file.wait(for: mark) }
    }
}

/// Where a test's gateway logs to: a file without a name.
private final class LogFile: Sendable {
    let descriptor: Int32

    init() {
        var name = Array("/tmp/headgate-log-XXXXXX".utf8CString)
        descriptor = mkstemp(&name)
        unlink(name)
    }

    deinit { close(descriptor) }

    private var text: String {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// Lines are written a moment after the answer: polls until `mark` is there.
    func wait(for mark: String) throws -> String {
        for _ in 0..<10_000 {
            let text = text
            if text.contains(mark) { return text }
            usleep(1000)
        }
        throw TestConnection.Failure(description: "never logged: \(mark)")
    }
}

/// A configuration with the mock inside the process at `/` (text) and `/chat` (messages).
///
/// - Parameter mock: keys of the backend's `mock` map.
func mockConfiguration(_ mock: String = "", route: String = "") -> String {
    """
    backends: {mock: {dialect: mock, mock: {\(mock)}}}
    models: {demo: {backend: mock}}
    routes:
      /: {model: demo, output: text\(route.isEmpty ? "" : ", " + route)}
      /chat: {model: demo, output: message\(route.isEmpty ? "" : ", " + route)}
    """
}

/// A configuration with an upstream of the openai dialect at `/` (text) and `/chat` (messages).
func upstreamConfiguration(_ port: UInt16, backend: String = "", route: String = "") -> String {
    """
    backends:
      up: {dialect: openai, url: "http://127.0.0.1:\(port)/v1", api_key: "sk-canary-1234567890"\
    \(backend.isEmpty ? "" : ", " + backend)}
    models: {demo: {backend: up, model: m}}
    routes:
      /: {model: demo, output: text\(route.isEmpty ? "" : ", " + route)}
      /chat: {model: demo, output: message\(route.isEmpty ? "" : ", " + route)}
    """
}
