import EventLoop
import Glibc
import Testing

@Suite struct MessageSocketTests {
    @Test func messagesStayWholeAndBringDescriptors() throws {
        let (one, other) = try MessageSocket.pair()
        defer { for descriptor in [one, other] { Socket.close(descriptor) } }
        #expect(MessageSocket.receive(on: other) == .nothing)
        let (sent, kept) = try MessageSocket.pair()
        let copies = [Int32](repeating: sent, count: 64)
        #expect(MessageSocket.send("first", descriptors: copies, on: one))
        #expect(MessageSocket.send("second message", on: one))
        Socket.close(sent)
        guard case .message("first", let descriptors) = MessageSocket.receive(on: other) else {
            Issue.record("no first message")
            return
        }
        #expect(descriptors.count == 64 && Set(descriptors).count == 64)
        #expect(MessageSocket.receive(on: other) == .message("second message", descriptors: []))
        // What came is the same socket: it talks to the end that was kept.
        #expect(MessageSocket.send("through", on: descriptors[63]))
        #expect(MessageSocket.receive(on: kept) == .message("through", descriptors: []))
        for descriptor in descriptors { Socket.close(descriptor) }
        #expect(MessageSocket.receive(on: kept) == .end)
        Socket.close(kept)
    }

    @Test func aSecondListenerTakesThePathInOneStep() throws {
        let path = "/tmp/headgate-messages-\(getpid())"
        #expect(try MessageSocket.connect(path: path) == nil)
        let first = try MessageSocket.listen(path: path)
        var status = stat()
        #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let client = try #require(try MessageSocket.connect(path: path))
        let peer = MessageSocket.peer(of: client)
        #expect(peer?.pid == getpid() && peer?.user == geteuid())
        let second = try MessageSocket.listen(path: path)
        Socket.close(first)
        #expect(MessageSocket.receive(on: client) == .end)
        let next = try #require(try MessageSocket.connect(path: path))
        for descriptor in [client, next, second] { Socket.close(descriptor) }
        #expect(try MessageSocket.connect(path: path) == nil, "a socket that nobody serves is nobody")
        unlink(path)
        #expect(throws: LoopError.self) { try MessageSocket.listen(path: "/nonexistent/\(getpid())") }
    }
}

@Suite struct GivenSocketTests {
    @Test(arguments: [(1, 1), (1, 4), (4, 2), (3, 3), (2, 5)])
    func everySocketIsAcceptedFromByALoopAndEveryLoopAccepts(sockets: Int, loops: Int) throws {
        let (opened, _) = try Listener.open(.ipv4(0x7F00_0001, port: 0), count: sockets)
        let byLoop = try GivenSocket.spread(opened, over: loops)
        let all = byLoop.flatMap { $0 }
        defer { for descriptor in all { Socket.close(descriptor) } }
        #expect(byLoop.count == loops && byLoop.allSatisfy { !$0.isEmpty })
        #expect(Set(all).count == max(sockets, loops))
        #expect(Set(all.map(GivenSocket.identity)) == Set(opened.map(GivenSocket.identity)))
    }

    @Test func onlyListeningStreamsHaveAnAddress() throws {
        let (opened, address) = try Listener.open(.ipv4(0x7F00_0001, port: 0), count: 1)
        defer { Socket.close(opened[0]) }
        #expect(GivenSocket.address(opened[0]) == address)
        let (one, other) = try MessageSocket.pair()
        defer { for descriptor in [one, other] { Socket.close(descriptor) } }
        #expect(GivenSocket.address(one) == nil)
        #expect(GivenSocket.address(-1) == nil)
    }
}
