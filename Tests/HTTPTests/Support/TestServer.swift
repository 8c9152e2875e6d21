import EventLoop
import HTTP
import TLS
import Testing

/// A handler made of a closure.
struct TestHandler: HTTPHandler {
    let answer: @Sendable (ServerRequest, ResponseWriter) async -> Void

    func handle(_ request: ServerRequest, _ response: ResponseWriter) async { await answer(request, response) }

    func rejection(status: Int, message: String) -> (fields: HTTPFields, body: [UInt8]) {
        (["content-type": "text/plain"], Array("\(status) \(message)".utf8))
    }

    /// Answers with what it was asked: method, path and body.
    static let echo = TestHandler { request, response in
        let body = String(decoding: request.body, as: UTF8.self)
        response.respond(status: 200, body: Array("\(request.head.path) \(body)".utf8))
    }
}

/// A server on a loop of its own, on a free port of the loopback interface.
struct TestServer: Sendable {
    let server: HTTPServer
    let loop: EventLoop
    let address: SocketAddress

    var port: UInt16 { address.port ?? 0 }

    func connect(receiveBuffer: Int32? = nil) throws -> RawSocket {
        try RawSocket(port: port, receiveBuffer: receiveBuffer)
    }

    /// Runs `body` with a server, drains it, and checks that nothing is left.
    static func run(
        _ handler: TestHandler = .echo,
        on address: SocketAddress = .ipv4(0x7F00_0001, port: 0),
        tls: TLSContext? = nil,
        options: HTTPServerOptions = HTTPServerOptions.patient,
        _ body: (TestServer) async throws -> Void
    ) async throws {
        SignalWatcher.ignoreBrokenPipes()
        let loop = try EventLoop(name: "server")
        try loop.start()
        let (descriptors, actual) = try Listener.open(address, count: 1)
        let server = HTTPServer(loop: loop, handler: handler, options: options)
        try await server.listen(descriptor: descriptors[0], tls: tls)
        do {
            try await body(TestServer(server: server, loop: loop, address: actual))
        } catch {
            Issue.record(error)
        }
        await server.cancelRequests()
        await server.drain()
        #expect(await server.connectionCount == 0)
        loop.stop()
        try await onThread { loop.join() }
    }

    /// Runs blocking client code on a thread.
    func talk<T: Sendable>(
        receiveBuffer: Int32? = nil,
        _ body: @escaping @Sendable (RawSocket) throws -> T
    ) async throws -> T {
        try await onThread {
            let socket = try connect(receiveBuffer: receiveBuffer)
            defer { socket.close() }
            return try body(socket)
        }
    }

    /// Sends `bytes` and returns all that comes until the server closes.
    func exchange(_ bytes: String, halfClose: Bool = false) async throws -> String {
        try await talk { socket in
            try socket.send(bytes)
            if halfClose { socket.finishSending() }
            return try socket.receiveToEnd()
        }
    }
}

extension HTTPServerOptions {
    /// Time limits that no machine is too busy for: a connection that waits for its test must not end for that. Tests of a limit
    /// set it.
    static var patient: HTTPServerOptions {
        var options = HTTPServerOptions()
        options.headerTimeout = .seconds(600)
        options.bodyTimeout = .seconds(600)
        options.idleTimeout = .seconds(600)
        options.writeTimeout = .seconds(600)
        return options
    }
}
