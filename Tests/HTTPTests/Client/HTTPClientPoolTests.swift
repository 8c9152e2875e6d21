import EventLoop
import HTTP
import Testing

/// Connections kept, shared, limited and lost.
@Suite(.timeLimit(.minutes(1)))
struct HTTPClientPoolTests {
    /// Answers every request with the connection's number.
    private static func counting() throws -> TestUpstream {
        try TestUpstream { socket, number in
            while true {
                try socket.request()
                try socket.answer("\(number)")
            }
        }
    }

    @Test func reusesTheMostRecentConnection() async throws {
        let upstream = try Self.counting()
        try await TestClient.run(to: upstream.port) { client in
            // Two responses unread at once need two connections.
            let first = try await client.send()
            let second = try await client.send()
            _ = try await first.collect(maximum: 10, before: .distantFuture, phase: .timeoutTotal)
            _ = try await second.collect(maximum: 10, before: .distantFuture, phase: .timeoutTotal)
            for _ in 0..<3 {
                let answer = try await client.fetch()
                #expect(answer == "1")
            }
            #expect(await client.client.load.idle == 2)
        }
        upstream.stop()
    }

    @Test func idleConnectionsExpire() async throws {
        let upstream = try Self.counting()
        var options = HTTPClientOptions()
        options.idleTimeout = .milliseconds(20)
        try await TestClient.run(to: upstream.port, options: options) { client in
            _ = try await client.fetch()
            await eventually { await client.client.load.idle <= 0 }
            let answer = try await client.fetch()
            #expect(answer == "1")
        }
        upstream.stop()
    }

    @Test func keepsNoMoreIdleThanAllowed() async throws {
        let upstream = try Self.counting()
        var options = HTTPClientOptions()
        options.maximumIdle = 1
        try await TestClient.run(to: upstream.port, options: options) { client in
            let first = try await client.send()
            let second = try await client.send()
            _ = try await first.collect(maximum: 10, before: .distantFuture, phase: .timeoutTotal)
            _ = try await second.collect(maximum: 10, before: .distantFuture, phase: .timeoutTotal)
            let load = await client.client.load
            #expect(load.idle == 1 && load.busy == 0)
        }
        upstream.stop()
    }

    @Test func queuesInOrder() async throws {
        let order = Shared<[String]>([])
        let upstream = try TestUpstream { socket, _ in
            while true {
                let path = try socket.request().head.split(separator: " ")[1]
                order.with { $0.append(String(path)) }
                try socket.answer("x")
            }
        }
        var options = HTTPClientOptions()
        options.maximumConnections = 1
        try await TestClient.run(to: upstream.port, options: options) { client in
            let first = try await client.send("/first")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask { _ = try await client.fetch("/\(number)") }
                    await eventually { await client.client.load.queued > number }
                }
                _ = try await first.collect(maximum: 10, before: .distantFuture, phase: .timeoutTotal)
                try await group.waitForAll()
            }
        }
        #expect(order.value == ["/first"] + (0..<20).map { "/\($0)" })
        #expect(upstream.connections == 1)
        upstream.stop()
    }

    @Test(arguments: [true, false])
    func limitsTheQueue(_ endsWhole: Bool) async throws {
        let upstream = try TestUpstream { socket, number in
            while true {
                let isFirst = try socket.request().head.contains("/first")
                if isFirst, !endsWhole {
                    try socket.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n")
                } else {
                    try socket.answer("\(number)")
                }
            }
        }
        var options = HTTPClientOptions()
        options.maximumConnections = 1
        options.maximumQueued = 1
        try await TestClient.run(to: upstream.port, options: options) { client in
            let first = try await client.send("/first")
            let second = Task { try await client.fetch() }
            await eventually { await client.client.load.queued != 0 }
            #expect(await client.code { _ = try await client.fetch() } == .queueFull)
            // A connection given up gives its place to whoever waits, and itself if its response has come whole.
            first.cancel()
            let answer = try await second.value
            #expect(answer == (endsWhole ? "0" : "1"))
        }
        upstream.stop()
    }

    /// The connection is granted in one job of the loop and used in a later one: a client that leaves between the two must not
    /// cost a call (G2).
    @Test func sendsNothingForWhoLeavesWithTheConnectionGranted() async throws {
        let paths = Shared<[String]>([])
        let upstream = try TestUpstream { socket, _ in
            while true {
                let path = try socket.request().head.split(separator: " ")[1]
                paths.with { $0.append(String(path)) }
                try socket.answer("x")
            }
        }
        var options = HTTPClientOptions()
        options.maximumConnections = 1
        try await TestClient.run(to: upstream.port, options: options) { client in
            let first = try await client.send("/first")
            let leaving = Task(executorPreference: client.loop) { try await client.fetch("/never") }
            await eventually { await client.client.load.queued != 0 }
            await withCheckedContinuation { done in
                client.loop.execute {
                    first.cancel()  // grants the connection
                    leaving.cancel()
                    done.resume()
                }
            }
            #expect(await client.code { _ = try await leaving.value } == .cancelled)
            let answer = try await client.fetch("/last")
            #expect(answer == "x")
        }
        #expect(paths.value == ["/first", "/last"])
        upstream.stop()
    }

    @Test func limitsTheTimeInTheQueue() async throws {
        let upstream = try Self.counting()
        var options = HTTPClientOptions()
        options.maximumConnections = 1
        try await TestClient.run(to: upstream.port, options: options) { client in
            let first = try await client.send()
            let short = ExchangeLimits.with { $0.queue = .milliseconds(20) }
            #expect(await client.code { _ = try await client.fetch(limits: short) } == .timeoutQueue)
            let late = ExchangeLimits.with { $0.deadline = .now + .milliseconds(20) }
            #expect(await client.code { _ = try await client.fetch(limits: late) } == .timeoutTotal)
            first.cancel()
        }
        upstream.stop()
    }

    @Test(arguments: ["connection: close\r\n", ""])
    func doesNotReuseAClosingConnection(_ fields: String) async throws {
        let upstream = try TestUpstream { socket, number in
            try socket.request()
            try socket.answer("\(number)", fields: fields)
            if !fields.isEmpty { _ = try socket.receive() }  // says that it closes, and waits
        }
        try await TestClient.run(to: upstream.port) { client in
            for number in 0..<3 {
                let answer = try await client.fetch()
                #expect(answer == "\(number)")
                if !fields.isEmpty { #expect(await client.client.load.idle == 0) }
            }
        }
        upstream.stop()
    }

    /// Whatever follows a response, in the same segment or in a later one, spoils the connection and not the response.
    @Test(arguments: [true, false])
    func doesNotReuseAConnectionThatSaidTooMuch(_ atOnce: Bool) async throws {
        let isRead = Event()
        let upstream = try TestUpstream { socket, number in
            try socket.request()
            if atOnce {
                try socket.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\(number)HTTP/1.1 200 OK\r\n")
            } else {
                try socket.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\(number)")
                isRead.waitOnThread(number + 1)
                try socket.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nX")
            }
            _ = try socket.receive()
            isRead.happen()
        }
        try await TestClient.run(to: upstream.port) { client in
            let response = try await client.send()
            if !atOnce {
                isRead.happen()
                isRead.happen()
            }
            let first = try await response.collect(maximum: 10, before: .distantFuture, phase: .timeoutTotal)
            #expect(first == Array("0".utf8))
            await eventually { await client.client.load.idle <= 0 }
            let second = try await client.fetch()
            #expect(second == "1")
        }
        upstream.stop()
    }

    // MARK: Dead connections

    /// Makes the client use a connection just when the server has closed it.
    private func exchangeOverDeadConnections(
        reading: Bool,
        options: HTTPClientOptions = HTTPClientOptions(),
        _ body: (TestClient, Shared<Int>, Event) async throws -> Void
    ) async throws {
        let requests = Shared(0)
        let closed = Event()
        let go = Event()
        let upstream = try TestUpstream { socket, number in
            try socket.request()
            requests.with { $0 += 1 }
            try socket.answer("\(number)")
            if number > 0 { return try keepAnswering(socket, number, requests) }
            if reading {
                // Takes the second request, and hangs up on it.
                try socket.request()
                requests.with { $0 += 1 }
                socket.reset()
            } else {
                go.waitOnThread()
                socket.close()
            }
            closed.happen()
        }
        try await TestClient.run(to: upstream.port, options: options) { client in
            let answer = try await client.fetch()
            #expect(answer == "0")
            if !reading {
                // The loop is busy while the server closes, so the client finds out only by using the connection.
                let isBlocked = Event()
                client.loop.execute {
                    isBlocked.happen()
                    closed.waitOnThread()
                }
                await isBlocked.wait()
                let fetch = Task { try await client.fetch() }
                go.happen()
                let answer = try await fetch.value
                #expect(answer == "1")
            }
            try await body(client, requests, closed)
        }
        upstream.stop()
    }

    private func keepAnswering(_ socket: RawSocket, _ number: Int, _ requests: Shared<Int>) throws {
        while true {
            try socket.request()
            requests.with { $0 += 1 }
            try socket.answer("\(number)")
        }
    }

    @Test(arguments: [1, 10])
    func retriesWhatNeverArrived(_ maximum: Int) async throws {
        var options = HTTPClientOptions()
        options.maximumConnections = maximum
        try await exchangeOverDeadConnections(reading: false, options: options) { client, requests, _ in
            #expect(requests.value == 2)
            #expect(await client.client.load.idle == 1)
        }
    }

    @Test func doesNotRetryWhatArrived() async throws {
        try await exchangeOverDeadConnections(reading: true) { client, requests, closed in
            let code = await client.code { _ = try await client.fetch() }
            #expect(code == .closedBeforeHead)
            await closed.wait()
            #expect(requests.value == 2)
        }
    }

    /// Every connection is dead at once, as after a restart of the server: still one retry each.
    @Test func retriesOnceOnly() async throws {
        let upstream = try TestUpstream { socket, number in
            try socket.request()
            if number == 1 { return socket.reset() }  // the retry's own connection fails as well
            try socket.answer("\(number)")
            _ = try socket.receive(through: "\r\n\r\n")
            socket.reset()
        }
        try await TestClient.run(to: upstream.port) { client in
            _ = try await client.fetch()
            let code = await client.code { _ = try await client.fetch() }
            #expect(code == .closedBeforeHead)
        }
        upstream.stop()
    }
}
