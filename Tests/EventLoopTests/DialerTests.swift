import EventLoop
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1))) struct DialerTests {
    /// Listens, and accepts nothing: the kernel completes connections all the same.
    private final class Server: Sendable {
        let address: SocketAddress
        private let descriptor: Int32

        init(backlog: Int32 = 16) throws {
            let (descriptors, address) = try Listener.open(
                .ipv4(0x7F00_0001, port: 0),
                count: 1,
                backlog: backlog
            )
            descriptor = descriptors[0]
            self.address = address
        }

        deinit { close(descriptor) }

        /// Connects more often than the backlog holds: from now on nobody is answered.
        func fill(on home: isolated Home) {
            for _ in 0..<8 {
                let dialer = Dialer(on: home.loop, addresses: [address]) { result in
                    if case .success(let descriptor) = result { close(descriptor) }
                }
                home.keep { dialer.cancel() }
            }
            home.keep { _ = self }
        }
    }

    /// An address where nobody listens, and where nobody can as long as this lives: the port is bound, so the kernel gives it
    /// to no other test, and without `listen` it refuses.
    private final class DeadPort: Sendable, CustomStringConvertible {
        let address: SocketAddress
        private let descriptor: Int32

        init() throws {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var storage = sockaddr_in()
            storage.sin_family = sa_family_t(AF_INET)
            storage.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = descriptor
            let isBound = withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
                }
            }
            try #require(isBound)
            address = .ipv4(0x7F00_0001, port: UInt16(bigEndian: storage.sin_port))
        }

        deinit { close(descriptor) }

        var description: String { address.description }
    }

    /// What a dialer comes to: the peer's port and whether it is ready for use, or the error's text.
    private func describe(_ result: Result<Int32, LoopError>, _ loop: EventLoop) -> String {
        switch result {
        case .failure(let error): return error.description
        case .success(let descriptor):
            defer { close(descriptor) }
            var storage = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            _ = withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
            }
            let isReady = fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0 && fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0
            return isReady && loop.isCurrent ? "\(UInt16(bigEndian: storage.sin_port))" : "not ready"
        }
    }

    private func dial(_ addresses: [SocketAddress]) async throws -> [String] {
        let fixture = try LoopFixture()
        let events = Events<String>()
        await fixture.on { home in
            let loop = home.loop
            let dialer = Dialer(on: loop, addresses: addresses) { events.add(describe($0, loop)) }
            home.keep { dialer.cancel() }
        }
        let first = await events.next(1)
        await fixture.turn()
        events.add("end")
        return first + (await events.next(1))
    }

    @Test func aServerThatListensIsReached() async throws {
        let server = try Server()
        #expect(try await dial([server.address]) == ["\(server.address.port ?? 0)", "end"])
    }

    @Test func aRefusedConnectionIsAnError() async throws {
        let dead = try DeadPort()
        #expect(try await dial([dead.address]) == ["connect to \(dead): Connection refused", "end"])
    }

    @Test func theLastErrorIsTold() async throws {
        let dead = try DeadPort()
        let missing = SocketAddress.unix(path: "/nonexistent/x")
        #expect(
            try await dial([dead.address, missing]) == ["connect to \(missing): No such file or directory", "end"]
        )
        #expect(try await dial([missing, dead.address]) == ["connect to \(dead): Connection refused", "end"])
    }

    @Test func noAddressIsAnError() async throws {
        #expect(try await dial([]) == ["connect: no address: failed", "end"])
    }

    @Test func theNextAddressIsTriedWhenOneRefuses() async throws {
        let server = try Server()
        let first = try DeadPort()
        let second = SocketAddress.unix(path: "/nonexistent/x")
        #expect(try await dial([first.address, second, server.address]) == ["\(server.address.port ?? 0)", "end"])
        withExtendedLifetime(first) {}
    }

    @Test func theNextAddressIsTriedWhenOneIsSilent() async throws {
        let (silent, server) = (try Server(backlog: 0), try Server())
        let fixture = try LoopFixture()
        let events = Events<String>()
        await fixture.on { home in
            silent.fill(on: home)
            let loop = home.loop
            let dialer = Dialer(on: loop, addresses: [silent.address, server.address]) {
                events.add(describe($0, loop))
            }
            home.keep { dialer.cancel() }
        }
        #expect(await events.next(1) == ["\(server.address.port ?? 0)"])
        await fixture.on { $0.close() }
    }

    @Test func aCancelledDialerIsSilent() async throws {
        let (silent, server) = (try Server(backlog: 0), try Server())
        let fixture = try LoopFixture()
        let events = Events<String>()
        await fixture.on { home in
            silent.fill(on: home)
            // One that answers has done so before it could be cancelled.
            for addresses in [[silent.address], [silent.address, server.address]] {
                let dialer = Dialer(on: home.loop, addresses: addresses) { _ in events.add("cancelled") }
                dialer.cancel()
                dialer.cancel()
            }
            let loop = home.loop
            let dialer = Dialer(on: loop, addresses: [silent.address, server.address]) {
                events.add(describe($0, loop))
            }
            home.keep { dialer.cancel() }
        }
        #expect(await events.next(1) == ["\(server.address.port ?? 0)"])
        await fixture.on { $0.close() }
    }

    @Test func aDialerMayGoInItsCompletion() async throws {
        final class Holder { var dialer: Dialer? }
        let server = try Server()
        let fixture = try LoopFixture()
        let events = Events<String>()
        await fixture.on { home in
            let holder = Holder()
            let loop = home.loop
            holder.dialer = Dialer(on: loop, addresses: [server.address]) {
                events.add(describe($0, loop))
                holder.dialer?.cancel()
                holder.dialer = nil
            }
        }
        #expect(await events.next(1) == ["\(server.address.port ?? 0)"])
        await fixture.turn()
    }
}
