import EventLoop
import HTTP
import Testing

/// Exchanges that go well, and bodies of every framing.
@Suite(.timeLimit(.minutes(1)))
struct HTTPClientTests {
    /// All parts of a body up to its end or an error.
    private static func parts(of response: ClientResponse) async -> (text: String, code: HTTPClientError.Code?) {
        var parts: [UInt8] = []
        do throws(HTTPClientError) {
            while let part = try await response.next(before: .distantFuture, phase: .timeoutIdle) { parts += part }
            return (String(decoding: parts, as: UTF8.self), nil)
        } catch {
            return (String(decoding: parts, as: UTF8.self), error.code)
        }
    }

    /// A receiver that is asked first: it takes one part, ends with the next, and leaves the third to the task.
    @Test func showsPartsToAReceiverFirst() async throws {
        let upstream = try TestUpstream { socket, _ in
            while true {
                try socket.request()
                try socket.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                for part in ["1", "2", "3"] { try socket.send("1\r\n\(part)\r\n") }
                try socket.send("0\r\n\r\n")
            }
        }
        try await TestClient.run(to: upstream.port) { client in
            for _ in 0..<2 {
                let response = try await client.send()
                let seen = Seen()
                let receiver = LoopBound<PartReceiver>({ seen.take($0) }, loop: client.loop)
                var rest: [[UInt8]] = []
                while let part = try await response.next(
                    before: .distantFuture,
                    phase: .timeoutIdle,
                    receiver: receiver
                ) {
                    rest.append(part)
                }
                // How the parts were split among reads is the network's; none is lost, doubled or out of order.
                #expect(seen.text + rest.joined().map { String(UnicodeScalar($0)) }.joined() == "123")
                #expect(seen.text.count <= 2)
            }
        }
        #expect(upstream.connections == 1)
        upstream.stop()
    }

    /// What a receiver says how long to wait replaces what the task said.
    @Test func aReceiverMovesTheLimit() async throws {
        let isGone = Event()
        let upstream = try TestUpstream { socket, _ in
            try socket.request()
            try socket.send("HTTP/1.1 200 OK\r\n\r\n")
            // Until the client goes: the first ones may come before anybody waits for them.
            while (try? socket.send("part")) != nil {}
            isGone.happen()
        }
        try await TestClient.run(to: upstream.port) { client in
            let response = try await client.send()
            let receiver = LoopBound<PartReceiver>(
                { _ in .taken(.now, .timeoutIdle) },
                loop: client.loop
            )
            let code = await client.code {
                while try await response.next(
                    before: .distantFuture,
                    phase: .timeoutFirstToken,
                    receiver: receiver
                ) != nil {}
            }
            #expect(code == .timeoutIdle)
            await isGone.wait()
        }
        upstream.stop()
    }

    /// Takes the first part, and the second as the last.
    private final class Seen: Sendable {
        private let parts = Shared("")
        var text: String { parts.with { $0 } }

        func take(_ part: UnsafeRawBufferPointer) -> PartReceipt {
            parts.with { parts in
                guard parts.count < 2 else { return .kept }
                parts += String(decoding: part, as: UTF8.self)
                return parts.count == 2 ? .last : .taken(.distantFuture, .timeoutIdle)
            }
        }
    }

    @Test func sendsRequestsAndReusesTheConnection() async throws {
        let upstream = try TestUpstream { socket, number in
            while true {
                let (head, body) = try socket.request()
                let line = head.split(separator: "\r\n")[0]
                try socket.answer("\(number) \(line) \(body) \(head.contains("\r\nhost: 127.0.0.1:"))")
            }
        }
        try await TestClient.run(to: upstream.port) { client in
            for path in ["/a", "/b?c", "/d"] {
                let answer = try await client.fetch(path)
                #expect(answer == "0 POST \(path) HTTP/1.1 hello true")
                let load = await client.client.load
                #expect(load.busy == 0 && load.idle == 1 && load.queued == 0)
            }
        }
        #expect(upstream.connections == 1)
        upstream.stop()
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nwhole!",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nwho\r\n3;x\r\nle!\r\n0\r\nx-trailer: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nwhole!", "HTTP/1.0 200 OK\r\ncontent-length: 6\r\n\r\nwhole!",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nwhole!",
    ])
    func readsBodiesOfEveryFraming(_ wire: String) async throws {
        for splits in [false, true] {
            let upstream = try TestUpstream { socket, _ in
                try socket.request()
                if splits {
                    for byte in wire.utf8 { try socket.send([byte]) }
                } else {
                    try socket.send(wire)
                }
            }
            try await TestClient.run(to: upstream.port) { client in
                let whole = try await client.fetch()
                #expect(whole == "whole!")
                let response = try await client.send()
                let (parts, code) = await Self.parts(of: response)
                #expect(parts == "whole!" && code == nil)
                // Past the end there is nothing, however often one asks.
                let more = try await response.next(before: .distantFuture, phase: .timeoutIdle)
                #expect(more == nil)
            }
            upstream.stop()
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nwhol", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nwhol",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nwhol\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nwhol\r\n0\r\n",
    ])
    func tellsATruncatedBody(_ wire: String) async throws {
        let upstream = try TestUpstream { socket, _ in
            try socket.request()
            try socket.send(wire)
        }
        try await TestClient.run(to: upstream.port) { client in
            #expect(await client.code { _ = try await client.fetch() } == .truncated)
            // The parts before the cut are delivered, then the error.
            let response = try await client.send()
            let (parts, code) = await Self.parts(of: response)
            #expect(code == .truncated)
            #expect("whol".hasPrefix(parts))
        }
        upstream.stop()
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\n\r\nwho", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nwho"])
    func aResetIsATruncation(_ wire: String) async throws {
        let isRead = Event()
        let upstream = try TestUpstream { socket, _ in
            try socket.request()
            try socket.send(wire)
            isRead.waitOnThread()
            socket.reset()
        }
        try await TestClient.run(to: upstream.port) { client in
            let response = try await client.send()
            isRead.happen()
            #expect(await Self.parts(of: response).code == .truncated)
        }
        upstream.stop()
    }

    @Test func tellsATruncatedHead() async throws {
        let upstream = try TestUpstream { socket, _ in
            try socket.request()
            try socket.send("HTTP/1.1 200 OK\r\nconte")
        }
        try await TestClient.run(to: upstream.port) { client in
            #expect(await client.code { _ = try await client.fetch() } == .truncated)
        }
        upstream.stop()
    }

    @Test(arguments: [
        "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\ncontent-length: 0\n\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
    ])
    func refusesWhatIsNotHTTP(_ wire: String) async throws {
        let upstream = try TestUpstream { socket, _ in
            try socket.request()
            try socket.send(wire)
            _ = try socket.receive()
        }
        try await TestClient.run(to: upstream.port) { client in
            #expect(await client.code { _ = try await client.fetch() } == .protocolError)
        }
        upstream.stop()
    }

    @Test func answersWithoutABodyHaveNone() async throws {
        let upstream = try TestUpstream { socket, _ in
            while true {
                let head = try socket.request().head
                try socket.send(
                    head.hasPrefix("HEAD")
                        ? "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n" : "HTTP/1.1 204 No Content\r\n\r\n"
                )
            }
        }
        try await TestClient.run(to: upstream.port) { client in
            for method in [HTTPMethod.head, .get, .head] {
                let body = try await client.fetch(method: method)
                #expect(body == "")
            }
        }
        #expect(upstream.connections == 1)
        upstream.stop()
    }

    @Test func limitsTheResponse() async throws {
        let upstream = try TestUpstream { socket, _ in
            let head = try socket.request().head
            let body = String(repeating: "a", count: 100_000)
            if head.contains("/length") {
                try socket.answer(body, fields: "connection: close\r\n")  // no second request meets the end
            } else {
                try socket.send("HTTP/1.1 200 OK\r\n\r\n\(body)")
            }
        }
        try await TestClient.run(to: upstream.port) { client in
            for path in ["/length", "/close"] {
                let code = await client.code {
                    _ = try await client.fetch(path, maximum: 99_999)
                }
                #expect(code == .tooLarge)
                let whole = try await client.fetch(path, maximum: 100_000)
                #expect(whole.utf8.count == 100_000)
            }
        }
        upstream.stop()
    }

    /// The server refuses a large body before it has come, and hangs up: the refusal is what counts.
    @Test func readsAnEarlyRefusal() async throws {
        let upstream = try TestUpstream { socket, _ in
            _ = try socket.receive(through: "\r\n\r\n")
            try socket.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nno!")
            // Closing with the rest unread resets the connection.
        }
        try await TestClient.run(to: upstream.port) { client in
            for _ in 0..<20 {
                let response = try await client.send(body: [UInt8](repeating: 0x61, count: 20 << 20))
                #expect(response.head.status == 413)
                let body = try await response.collect(maximum: 100, before: .distantFuture, phase: .timeoutTotal)
                #expect(body == Array("no!".utf8))
            }
        }
        upstream.stop()
    }

    /// A consumer that does not read stops the upstream, and memory stays bounded.
    @Test func backpressureReachesTheUpstream() async throws {
        let isStuck = Event()
        let total = Shared(0)
        let upstream = try TestUpstream { socket, _ in
            try socket.request()
            try socket.send("HTTP/1.1 200 OK\r\n\r\n")
            let block = [UInt8](repeating: 0x61, count: 1 << 20)
            var sent = 0
            while true {
                let count = socket.sendSome(block)
                if count == 0 { break }
                sent += count
                try #require(sent < 200 << 20)
            }
            isStuck.happen()
            try socket.send(block)
            total.with { [sent] in $0 = sent + block.count }
        }
        try await TestClient.run(to: upstream.port) { client in
            let response = try await client.send()
            await isStuck.wait()
            var received = 0
            while let part = try await response.next(before: .distantFuture, phase: .timeoutIdle) {
                #expect(part.count <= 2 * HTTPClientOptions().highWater)
                received += part.count
            }
            #expect(received == total.value)
        }
        upstream.stop()
    }

    @Test func bodiesHaveSpareCapacity() async throws {
        let upstream = try TestUpstream { socket, _ in
            while true {
                let path = try socket.request().head.split(separator: " ")[1]
                let size = Int(path.dropFirst().split(separator: "/")[1]) ?? 0
                let body = String(repeating: "a", count: size)
                if path.hasPrefix("/length") {
                    try socket.answer(body)
                } else {
                    try socket.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                    try socket.send("\(String(size, radix: 16))\r\n\(body)\r\n0\r\n\r\n")
                }
            }
        }
        try await TestClient.run(to: upstream.port) { client in
            for size in [1, 1000, 70_000, 1 << 20, (2 << 20) + 17] {
                for kind in ["length", "chunked"] {
                    let response = try await client.send("/\(kind)/\(size)")
                    let body = try await response.collect(
                        maximum: 1 << 30,
                        before: .distantFuture,
                        phase: .timeoutTotal
                    )
                    #expect(body.count == size)
                    #expect(body.capacity - body.count >= EventLoop.readBufferPadding)
                }
            }
        }
        upstream.stop()
    }

    /// `localhost` has two addresses, and only one of them listens.
    @Test func triesTheOtherAddressFamily() async throws {
        let upstream = try TestUpstream { socket, _ in
            try socket.request()
            try socket.answer("four")
        }
        try await TestClient.run(to: upstream.port, host: "localhost") { client in
            let answer = try await client.fetch()
            #expect(answer == "four")
        }
        upstream.stop()
    }

    @Test func discardsAShortRest() async throws {
        let go = Event()
        let upstream = try TestUpstream { socket, _ in
            while true {
                let head = try socket.request().head
                let size = head.contains("/short") ? 1000 : 1_000_000
                try socket.send("HTTP/1.1 200 OK\r\ncontent-length: \(size)\r\n\r\n")
                if head.contains("/short") { go.waitOnThread() }
                try socket.send([UInt8](repeating: 0x61, count: size))
            }
        }
        try await TestClient.run(to: upstream.port) { client in
            try await client.send("/short").discardRest()
            go.happen()
            await eventually { await client.client.load.busy <= 0 }
            #expect(await client.client.load.idle == 1)
            try await client.send("/long").discardRest()
            await eventually { await client.client.load.busy <= 0 }
            #expect(await client.client.load.idle == 0)
        }
        #expect(upstream.connections == 1)
        upstream.stop()
    }
}
