import EventLoop
import Glibc
import HTTP
import Synchronization
import TLS
import Testing

/// A server that does exactly what a test says: a script gets each connection's bare socket, on a thread of its own.
final class TestUpstream: Sendable {
    let port: UInt16
    private let descriptor: Int32
    private let accepted = Atomic<Int>(0)
    private let isStopping = Atomic<Bool>(false)

    /// Connections accepted so far.
    var connections: Int { accepted.load(ordering: .sequentiallyConsistent) }

    /// - Parameters:
    ///   - accepts: false leaves every connection in the backlog.
    ///   - script: gets the socket and the connection's number, from 0; the socket is closed when it ends.
    init(
        backlog: Int32 = 1024,
        accepts: Bool = true,
        _ script: @escaping @Sendable (RawSocket, Int) throws -> Void
    ) throws {
        let (descriptors, address) = try Listener.open(.ipv4(0x7F00_0001, port: 0), count: 1, backlog: backlog)
        descriptor = descriptors[0]
        port = address.port ?? 0
        guard accepts else { return }
        _ = fcntl(descriptor, F_SETFL, 0)
        startThread { [self] in
            while true {
                let socket = accept(descriptor, nil, nil)
                if isStopping.load(ordering: .sequentiallyConsistent) || socket < 0 {
                    if socket >= 0 { close(socket) }
                    return
                }
                let number = accepted.add(1, ordering: .sequentiallyConsistent).oldValue
                startThread {
                    let socket = RawSocket(descriptor: socket)
                    try? script(socket, number)
                    socket.close()
                }
            }
        }
    }

    /// Refuses connections from now on.
    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        shutdown(descriptor, Int32(SHUT_RDWR))  // wakes the accepting thread
    }

    deinit { close(descriptor) }
}

extension RawSocket {
    /// Reads one request with a Content-Length; its head and body.
    @discardableResult
    func request() throws -> (head: String, body: String) { try response() }

    /// Answers with a whole response.
    func answer(_ body: String, fields: String = "") throws {
        try send("HTTP/1.1 200 OK\r\n\(fields)content-length: \(body.utf8.count)\r\n\r\n\(body)")
    }
}

/// A client on a loop of its own.
struct TestClient: Sendable {
    let client: HTTPClient
    let loop: EventLoop

    /// Runs `body` with a client, and checks at the end that every permit came back (G9).
    static func run(
        to port: UInt16,
        host: String = "127.0.0.1",
        tls: TLSContext? = nil,
        options: HTTPClientOptions = HTTPClientOptions(),
        _ body: (TestClient) async throws -> Void
    ) async throws {
        SignalWatcher.ignoreBrokenPipes()
        let loop = try EventLoop(name: "client")
        try loop.start()
        let origin = HTTPOrigin(isSecure: tls != nil, host: host, port: port)
        let client = HTTPClient(loop: loop, origin: origin, tls: tls, options: options)
        do {
            try await body(TestClient(client: client, loop: loop))
        } catch {
            Issue.record(error)
        }
        await client.retire()
        let load = await client.load
        #expect(load.busy == 0 && load.idle == 0 && load.queued == 0)
        loop.stop()
        try await onThread { loop.join() }
    }

    func send(
        _ path: String = "/",
        method: HTTPMethod = .post,
        body: [UInt8] = Array("hello".utf8),
        limits: ExchangeLimits = .patient
    ) async throws(HTTPClientError) -> ClientResponse {
        guard let target = RequestTarget(checking: path) else { preconditionFailure("\(path) is no target") }
        let preamble = client.preamble(method: method, target: target, fields: [:])
        return try await client.send(ClientRequest(method: method, preamble: preamble, body: body), limits: limits)
    }

    /// Sends a request and reads its whole response.
    func fetch(
        _ path: String = "/",
        method: HTTPMethod = .post,
        maximum: Int = 1 << 30,
        limits: ExchangeLimits = .patient
    ) async throws(HTTPClientError) -> String {
        let response = try await send(path, method: method, limits: limits)
        let body = try await response.collect(maximum: maximum, before: .distantFuture, phase: .timeoutTotal)
        return String(decoding: body, as: UTF8.self)
    }

    /// The code of the error that `body` throws; nil when it throws none.
    func code(_ body: () async throws -> Void) async -> HTTPClientError.Code? {
        do {
            try await body()
            return nil
        } catch let error as HTTPClientError {
            return error.code
        } catch {
            Issue.record(error)
            return nil
        }
    }
}

extension ExchangeLimits {
    /// Limits that no machine is too busy for.
    static let patient = with { _ in }

    /// Patient limits but for what `change` sets.
    static func with(_ change: (inout ExchangeLimits) -> Void) -> ExchangeLimits {
        var limits = ExchangeLimits()
        limits.queue = .seconds(60)
        limits.connect = .seconds(60)
        limits.tls = .seconds(60)
        limits.head = .seconds(60)
        change(&limits)
        return limits
    }
}
