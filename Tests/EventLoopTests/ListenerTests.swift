import Glibc
import Testing

@testable import EventLoop

@Suite(.timeLimit(.minutes(1))) struct ListenerTests {
    private static let anyPort = SocketAddress.ipv4(0x7F00_0001, port: 0)

    /// A folder that goes when the test ends.
    private final class Folder {
        let path: String
        init() {
            var template = Array("/tmp/headgate-test-XXXXXX".utf8CString)
            path = mkdtemp(&template) == nil ? "" : String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
        }
        deinit {
            unlink(path + "/s")
            rmdir(path)
        }
        var socket: SocketAddress { .unix(path: path + "/s") }
    }

    /// A blocking connection to `address`; nil when it is refused.
    private func connect(_ fixture: LoopFixture, _ address: SocketAddress) async -> Int32? {
        let events = Events<Int32>()
        await fixture.on { home in
            let dialer = Dialer(on: home.loop, addresses: [address]) { events.add((try? $0.get()) ?? -1) }
            home.keep { dialer.cancel() }
        }
        return await events.next(1).first.flatMap { $0 >= 0 ? $0 : nil }
    }

    /// Accepts on the fixture's loop and says which one it was, with the peer's address.
    private func accept(
        _ fixture: LoopFixture,
        _ descriptor: Int32,
        _ name: String,
        _ events: Events<String>
    ) async throws -> LoopBound<Listener> {
        try await fixture.on { home in
            let listener = try Listener(on: home.loop, descriptor: descriptor) { accepted, peer in
                let flags = fcntl(accepted, F_GETFL)
                let isReady = flags & O_NONBLOCK != 0 && fcntl(accepted, F_GETFD) & FD_CLOEXEC != 0
                events.add(isReady && home.loop.isCurrent ? "\(name) \(peer.host)" : "not ready")
                close(accepted)
            }
            home.keep { listener.close() }
            return LoopBound(listener, loop: home.loop)
        }
    }

    private func code(_ body: () throws -> Void) -> Int32? {
        do {
            try body()
            return nil
        } catch {
            return (error as? LoopError)?.number
        }
    }

    @Test func portZeroBecomesAFreePort() async throws {
        let fixture = try LoopFixture()
        let (descriptors, address) = try Listener.open(Self.anyPort, count: 1)
        #expect(descriptors.count == 1)
        #expect(address.port != 0 && address.host == "127.0.0.1")
        #expect(Socket.localAddress(descriptors[0]) == address)
        let events = Events<String>()
        _ = try await accept(fixture, descriptors[0], "one", events)
        let client = try #require(await connect(fixture, address))
        defer { close(client) }
        #expect(await events.next(1) == ["one 127.0.0.1"])
    }

    @Test func loopsShareAPort() async throws {
        let fixtures = [try LoopFixture("a"), try LoopFixture("b")]
        let (descriptors, address) = try Listener.open(Self.anyPort, count: 2)
        #expect(Set(descriptors).count == 2)
        let events = Events<String>()
        _ = try await accept(fixtures[0], descriptors[0], "a", events)
        let second = try await accept(fixtures[1], descriptors[1], "b", events)
        var clients: [Int32] = []
        defer { for client in clients { close(client) } }
        // The kernel chooses by the client's port: with this many, both get some, whatever the ports are.
        for _ in 0..<64 { clients.append(try #require(await connect(fixtures[0], address))) }
        #expect(Set(await events.next(64)) == ["a 127.0.0.1", "b 127.0.0.1"])
        // Once one has closed, the other gets all.
        await fixtures[1].on { _ in second.value.close() }
        for _ in 0..<8 { clients.append(try #require(await connect(fixtures[0], address))) }
        #expect(Set(await events.next(8)) == ["a 127.0.0.1"])
    }

    @Test(arguments: [1, 2], [1, 2])
    func aPortInUseIsAnError(first: Int, second: Int) throws {
        let (descriptors, address) = try Listener.open(Self.anyPort, count: first)
        defer { for descriptor in descriptors { close(descriptor) } }
        let error = #expect(throws: LoopError.self) { _ = try Listener.open(address, count: second) }
        #expect(error?.number == EADDRINUSE)
        #expect(error?.description == "listen on \(address): Address already in use")
    }

    @Test func aClosedListenersPortIsFree() async throws {
        let fixture = try LoopFixture()
        let (descriptors, address) = try Listener.open(Self.anyPort, count: 1)
        let listener = try await accept(fixture, descriptors[0], "one", Events())
        let client = try #require(await connect(fixture, address))
        defer { close(client) }
        await fixture.on { _ in
            listener.value.close()
            listener.value.close()
        }
        let (again, same) = try Listener.open(address, count: 1)
        #expect(same == address)
        close(again[0])
    }

    @Test func ipv6IsItsOwn() async throws {
        let fixture = try LoopFixture()
        let six = try #require(SocketAddress(parsing: "[::1]:0"))
        guard let (descriptors, address) = try? Listener.open(six, count: 2) else { return }  // a machine without IPv6
        let events = Events<String>()
        _ = try await accept(fixture, descriptors[0], "six", events)
        _ = try await accept(fixture, descriptors[1], "six", events)
        let client = try #require(await connect(fixture, address))
        defer { close(client) }
        #expect(await events.next(1) == ["six ::1"])
    }

    @Test func aUnixSocketServesAllLoops() async throws {
        let fixture = try LoopFixture()
        let folder = Folder()
        let (descriptors, address) = try Listener.open(folder.socket, count: 2)
        #expect(descriptors.count == 2 && address == folder.socket)
        #expect(descriptors.allSatisfy { fcntl($0, F_GETFD) & FD_CLOEXEC != 0 })
        let events = Events<String>()
        let first = try await accept(fixture, descriptors[0], "unix", events)
        _ = try await accept(fixture, descriptors[1], "unix", events)
        for _ in 0..<2 {
            let client = try #require(await connect(fixture, address))
            #expect(await events.next(1) == ["unix "])
            close(client)
            await fixture.on { _ in first.value.close() }  // the other one goes on
        }
    }

    @Test(.timeLimit(.minutes(1))) func aStaleSocketIsReplaced() throws {
        let folder = Folder()
        let (descriptors, address) = try Listener.open(folder.socket, count: 1)
        close(descriptors[0])  // as a killed process: the file stays
        // A process that another test starts holds a copy of the socket between its fork and its exec.
        var again = try? Listener.open(address, count: 2).descriptors
        while again == nil, !Task.isCancelled { again = try? Listener.open(address, count: 2).descriptors }
        for descriptor in again ?? [] { close(descriptor) }
    }

    @Test func aLiveSocketIsLeftAlone() async throws {
        let fixture = try LoopFixture()
        let folder = Folder()
        let (descriptors, address) = try Listener.open(folder.socket, count: 1)
        let events = Events<String>()
        #expect(code { _ = try Listener.open(address, count: 1) } == EADDRINUSE)
        _ = try await accept(fixture, descriptors[0], "live", events)
        #expect(await events.next(1) == ["live "])  // the question whether anybody serves it
        let client = try #require(await connect(fixture, address))
        defer { close(client) }
        #expect(await events.next(1) == ["live "])
    }

    @Test func aFileThatIsNoSocketStays() throws {
        let folder = Folder()
        let file = open(folder.path + "/s", O_CREAT | O_WRONLY, 0o600)
        write(file, "x", 1)
        close(file)
        #expect(code { _ = try Listener.open(folder.socket, count: 1) } == EEXIST)
        var status = stat()
        #expect(stat(folder.path + "/s", &status) == 0 && status.st_size == 1)
    }

    @Test func aFolderThatIsMissingIsAnError() {
        #expect(code { _ = try Listener.open(.unix(path: "/nonexistent/x"), count: 1) } == ENOENT)
    }

    /// There is no moment in which a second one that also wants several sockets could get in.
    @Test func theFirstOfSeveralSocketsHasThePort() async throws {
        let first = try Socket.listen(on: Self.anyPort, sharing: .first, backlog: 16)
        defer { close(first) }
        let address = try #require(Socket.localAddress(first))
        for sharing in [Socket.PortSharing.first, .none] {
            #expect(code { _ = try Socket.listen(on: address, sharing: sharing, backlog: 16) } == EADDRINUSE)
        }
        let second = try Socket.listen(on: address, sharing: .further, backlog: 16)
        #expect(code { _ = try Socket.listen(on: address, sharing: .first, backlog: 16) } == EADDRINUSE)
        close(second)
    }

    @Test func pausedListenersLeaveConnectionsWaiting() async throws {
        let fixture = try LoopFixture()
        let (descriptors, address) = try Listener.open(Self.anyPort, count: 1)
        let events = Events<String>()
        let listener = try await accept(fixture, descriptors[0], "one", events)
        await fixture.on { _ in listener.value.pause() }
        let client = try #require(await connect(fixture, address))
        defer { close(client) }
        await fixture.turn()
        events.add("quiet")
        #expect(await events.next(1) == ["quiet"])
        await fixture.on { _ in listener.value.resume() }
        #expect(await events.next(1) == ["one 127.0.0.1"])
    }

    /// Has the listener's first accept find no descriptors left.
    ///
    /// - Parameter afterwards: what to do in the same turn of the loop.
    private func exhaust(
        _ listener: LoopBound<Listener>,
        _ fixture: LoopFixture,
        afterwards: @escaping @Sendable (isolated Home) -> Void = { _ in }
    ) async {
        await fixture.on { home in
            let call = listener.value.acceptCall
            var isFirst = true
            listener.value.acceptCall = { descriptor, storage, length in
                guard isFirst else { return call(descriptor, &storage, &length) }
                isFirst = false
                home.loop.beforePoll(FlushWork { home.assumeIsolated(afterwards) })
                errno = EMFILE
                return -1
            }
        }
    }

    @Test func withoutDescriptorsItTriesAgainLater() async throws {
        let fixture = try LoopFixture()
        let (descriptors, address) = try Listener.open(Self.anyPort, count: 1)
        let events = Events<String>()
        let listener = try await accept(fixture, descriptors[0], "one", events)
        await exhaust(listener, fixture) { _ in events.add("none left") }
        let client = try #require(await connect(fixture, address))
        defer { close(client) }
        #expect(await events.next(2) == ["none left", "one 127.0.0.1"])
    }

    @Test func tryingAgainDoesNotEndItsOwnersPause() async throws {
        let fixture = try LoopFixture()
        let (descriptors, address) = try Listener.open(Self.anyPort, count: 1)
        let events = Events<String>()
        let listener = try await accept(fixture, descriptors[0], "one", events)
        await exhaust(listener, fixture) { home in
            listener.value.pause()
            // On the same loop, and due after the listener's own timer was.
            let later = LoopTimer(on: home.loop) { events.add("later") }
            later.arm(after: Listener.pauseWhenExhausted * 2)
            home.keep { later.cancel() }
        }
        let client = try #require(await connect(fixture, address))
        defer { close(client) }
        #expect(await events.next(1) == ["later"])
        await fixture.on { _ in listener.value.resume() }
        #expect(await events.next(1) == ["one 127.0.0.1"])
    }

    @Test func theLastDescriptorsAreNotForClients() async throws {
        let fixture = try LoopFixture()
        let (descriptors, address) = try Listener.open(Self.anyPort, count: 1)
        let events = Events<String>()
        try await fixture.on { home in
            // No descriptor is low enough: the first connection shows it, and the second one waits.
            let listener = try Listener(on: home.loop, descriptor: descriptors[0], endOfDescriptors: 0) { accepted, _ in
                close(accepted)
                events.add("accepted")
            }
            home.keep { listener.close() }
        }
        let first = try #require(await connect(fixture, address))
        defer { close(first) }
        #expect(await events.next(1) == ["accepted"])
        let second = try #require(await connect(fixture, address))
        defer { close(second) }
        await fixture.turn()
        events.add("quiet")
        #expect(await events.next(1) == ["quiet"])
    }

    @Test func waitingForDescriptorsDoesNotEndItsOwnersPause() async throws {
        let fixture = try LoopFixture()
        let low = open("/dev/null", O_RDONLY | O_CLOEXEC)
        let (descriptors, address) = try Listener.open(Self.anyPort, count: 1)
        let first = try #require(await connect(fixture, address))
        defer { close(first) }
        let second = try #require(await connect(fixture, address))
        defer { close(second) }
        let events = Events<String>()
        try await fixture.on { home in
            final class Holder { var listener: Listener? }
            let holder = Holder()
            // The first connection gets a number that is too high, and leaves one free that is not.
            let listener = try Listener(on: home.loop, descriptor: descriptors[0], endOfDescriptors: low + 1) {
                accepted,
                _ in
                close(low)
                close(accepted)
                events.add("accepted")
                holder.listener?.pause()
                // On the same loop, and due after the listener's own timer would be.
                let later = LoopTimer(on: home.loop) { events.add("later") }
                later.arm(after: Listener.pauseWhenExhausted * 2)
                home.keep { later.cancel() }
            }
            holder.listener = listener
            home.keep { listener.close() }
        }
        #expect(await events.next(2) == ["accepted", "later"])
    }

    @Test(
        arguments: [
            (20, 17, 18), (64, 53, 56), (1024, 930, 992), (20_000, 18_720, 19_968),
            (Int32.max, 2_013_265_890, 2_147_483_615),
        ] as [(Int32, Int32, Int32)]
    )
    func whatIsKeptBack(limit: Int32, clients: Int32, upstreams: Int32) {
        #expect(DescriptorLimit.ends(limit) == (clients, upstreams))
    }

    @Test func aListenerMayCloseInItsCallback() async throws {
        final class Holder { var listener: Listener? }
        let fixture = try LoopFixture()
        let (descriptors, address) = try Listener.open(Self.anyPort, count: 1)
        let events = Events<String>()
        try await fixture.on { home in
            let holder = Holder()
            holder.listener = try Listener(on: home.loop, descriptor: descriptors[0]) { accepted, _ in
                close(accepted)
                holder.listener?.close()
                holder.listener = nil
                events.add("once")
            }
        }
        let client = try #require(await connect(fixture, address))
        defer { close(client) }
        #expect(await events.next(1) == ["once"])
        await fixture.turn()
    }

    @Test func whatCannotBeWatchedIsAnErrorAndClosed() async throws {
        let fixture = try LoopFixture()
        let file = open(#filePath, O_RDONLY | O_CLOEXEC)
        await fixture.on { home in
            _ = #expect(throws: LoopError.self) { _ = try Listener(on: home.loop, descriptor: file) { _, _ in } }
            // The number may be another test's by now, but then it is not this file.
            var (ours, now) = (stat(), stat())
            _ = stat(#filePath, &ours)
            #expect(fstat(file, &now) != 0 || now.st_ino != ours.st_ino)
        }
    }
}
