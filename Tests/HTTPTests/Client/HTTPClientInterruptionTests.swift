import EventLoop
import Glibc
import HTTP
import TLS
import Testing

/// Exchanges given up, or too slow, in every state: the connection closes and its permit comes back (`TestClient.run` checks).
@Suite(.timeLimit(.minutes(1)))
struct HTTPClientInterruptionTests {
    /// Where an exchange stands still.
    enum State: String, CaseIterable, Sendable {
        case queued, connecting, securing, awaitingHead, awaitingBody
    }

    /// Everything a stalled exchange needs.
    private struct Stall {
        let upstream: TestUpstream
        var options = HTTPClientOptions()
        var tls: TLSContext?
        /// Happens when the exchange is where it stands still.
        let isThere = Event()
        /// Happens when the upstream sees the connection's end.
        let isGone = Event()
        private let fillers: [RawSocket]

        init(_ state: State) throws {
            let isThere = isThere
            let isGone = isGone
            var fillers: [RawSocket] = []
            switch state {
            case .connecting:
                // A listener whose backlog is full drops what asks for a connection.
                upstream = try TestUpstream(backlog: 0, accepts: false) { _, _ in }
                for _ in 0..<3 { fillers.append(RawSocket.connecting(to: upstream.port)) }
            case .securing:
                upstream = try TestUpstream { socket, _ in
                    _ = try socket.receive()
                    isThere.happen()
                    while try !socket.receive().isEmpty {}
                    isGone.happen()
                }
                tls = try TLSContext.client(TLSContext.ClientOptions())
            case .queued, .awaitingHead, .awaitingBody:
                upstream = try TestUpstream { socket, _ in
                    try socket.request()
                    if state == .awaitingBody {
                        try socket.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
                    }
                    isThere.happen()
                    while try !socket.receive().isEmpty {}
                    isGone.happen()
                }
            }
            if state == .queued { options.maximumConnections = 1 }
            self.fillers = fillers
        }

        /// Runs one exchange that cannot end, and another one before it if it is to queue.
        func run(
            _ state: State,
            limits: ExchangeLimits = .patient,
            _ body: (TestClient, Task<HTTPClientError.Code?, Never>) async throws -> Void
        ) async throws {
            try await TestClient.run(to: upstream.port, tls: tls, options: options) { client in
                var first: Task<HTTPClientError.Code?, Never>?
                if state == .queued {
                    first = Task { await client.code { _ = try await client.fetch() } }
                    await isThere.wait()
                }
                let task = Task {
                    await client.code {
                        let response = try await client.send(limits: limits)
                        _ = try await response.next(before: .distantFuture, phase: .timeoutFirstToken)
                        _ = try await response.next(before: .now + .milliseconds(20), phase: .timeoutIdle)
                    }
                }
                try await body(client, task)
                first?.cancel()
                _ = await first?.value
                if state != .connecting { await isGone.wait() }
            }
            upstream.stop()
        }
    }

    @Test(arguments: State.allCases.filter { $0 != .awaitingBody })
    func cancellationEndsTheExchange(_ state: State) async throws {
        let stall = try Stall(state)
        try await stall.run(state) { client, task in
            switch state {
            case .queued: await eventually { await client.client.load.queued != 0 }
            case .connecting: await eventually { await client.client.load.busy != 0 }
            default: await stall.isThere.wait()
            }
            task.cancel()
            #expect(await task.value == .cancelled)
            let load = await client.client.load
            #expect(load.queued == 0 && load.busy == (state == .queued ? 1 : 0))
        }
    }

    @Test func cancellationEndsTheBody() async throws {
        let stall = try Stall(.awaitingBody)
        try await TestClient.run(to: stall.upstream.port) { client in
            let hasPart = Event()
            let task = Task {
                await client.code {
                    let response = try await client.send()
                    while try await response.next(before: .distantFuture, phase: .timeoutIdle) != nil {
                        hasPart.happen()
                    }
                }
            }
            await hasPart.wait()
            task.cancel()
            #expect(await task.value == .cancelled)
            await stall.isGone.wait()
        }
        stall.upstream.stop()
    }

    /// A response that nobody holds any more closes its connection.
    @Test(arguments: [true, false])
    func droppingTheResponseEndsIt(_ cancels: Bool) async throws {
        let stall = try Stall(.awaitingBody)
        try await TestClient.run(to: stall.upstream.port) { client in
            do {
                let response = try await client.send()
                #expect(response.head.status == 200)
                if cancels { response.cancel() }
            }
            await stall.isGone.wait()
        }
        stall.upstream.stop()
    }

    @Test func aCancelledTaskSendsNothing() async throws {
        let upstream = try TestUpstream { _, _ in }
        try await TestClient.run(to: upstream.port) { client in
            let go = Event()
            let task = Task {
                await go.wait()
                return await client.code { _ = try await client.fetch() }
            }
            task.cancel()
            go.happen()
            #expect(await task.value == .cancelled)
        }
        #expect(upstream.connections == 0)
        upstream.stop()
    }

    @Test(arguments: [
        (State.queued, HTTPClientError.Code.timeoutQueue), (.connecting, .timeoutConnect), (.securing, .timeoutTLS),
        (.awaitingHead, .timeoutHead), (.awaitingBody, .timeoutIdle),
    ])
    func everyPhaseHasItsLimit(_ state: State, _ code: HTTPClientError.Code) async throws {
        let limits = ExchangeLimits.with { limits in
            switch state {
            case .queued: limits.queue = .milliseconds(20)
            case .connecting: limits.connect = .milliseconds(20)
            case .securing: limits.tls = .milliseconds(20)
            case .awaitingHead: limits.head = .milliseconds(20)
            case .awaitingBody: break  // its limit is the consumer's
            }
        }
        try await Stall(state).run(state, limits: limits) { _, task in #expect(await task.value == code) }
    }

    @Test(arguments: State.allCases.filter { $0 != .awaitingBody })
    func theDeadlineCoversEveryPhase(_ state: State) async throws {
        let stall = try Stall(state)
        try await TestClient.run(to: stall.upstream.port, tls: stall.tls, options: stall.options) { client in
            let first = state == .queued ? try await Self.occupy(client, until: stall.isThere) : nil
            // Passed already, or about to: it is the deadline in any case.
            for wait in [-1, 0, 1, 20] {
                let limits = ExchangeLimits.with { $0.deadline = .now + .milliseconds(wait) }
                #expect(await client.code { _ = try await client.fetch(limits: limits) } == .timeoutTotal)
            }
            first?.cancel()
            _ = await first?.value
        }
        stall.upstream.stop()
    }

    private static func occupy(_ client: TestClient, until isThere: Event) async throws -> Task<Void, Never> {
        let task = Task { _ = await client.code { _ = try await client.fetch() } }
        await isThere.wait()
        return task
    }

    @Test func aRefusedConnectionIsTold() async throws {
        let upstream = try TestUpstream(accepts: false) { _, _ in }
        let port = upstream.port
        upstream.stop()
        try await TestClient.run(to: port) { client in
            #expect(await client.code { _ = try await client.fetch() } == .connect)
        }
    }

    @Test func anUnknownNameIsTold() async throws {
        try await TestClient.run(to: 80, host: "no-such-host.invalid") { client in
            #expect(await client.code { _ = try await client.fetch() } == .dns)
        }
    }

    /// Cancels at moments nobody chose: whatever the state, the pool is empty at the end.
    @Test func chaosLeavesNothingBehind() async throws {
        let upstream = try TestUpstream { socket, _ in
            while true {
                try socket.request()
                try socket.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
                try socket.send("0\r\n\r\n")
            }
        }
        var options = HTTPClientOptions()
        options.maximumConnections = 4
        try await TestClient.run(to: upstream.port, options: options) { client in
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<400 {
                    group.addTask {
                        let task = Task { await client.code { _ = try await client.fetch() } }
                        for _ in 0..<(number % 60) { await Task.yield() }
                        if number % 4 != 0 { task.cancel() }
                        let code = await task.value
                        if number % 4 == 0 { #expect(code == nil) } else { #expect(code == nil || code == .cancelled) }
                    }
                }
            }
            #expect(await client.client.load.busy == 0)
            let answer = try await client.fetch()
            #expect(answer == "abc")
        }
        upstream.stop()
    }
}

extension RawSocket {
    /// A socket that has begun to connect; whether it succeeds is left open.
    fileprivate static func connecting(to port: UInt16) -> RawSocket {
        let socket = RawSocket(
            descriptor: socket(AF_INET, RawSocket.kind | Int32(SOCK_NONBLOCK.rawValue), 0)
        )
        var address = sockaddr_in.loopback(port: port)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return socket
    }
}
