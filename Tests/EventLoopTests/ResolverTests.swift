import Dispatch
import Glibc
import Synchronization
import Testing
import WorkerPool

@testable import EventLoop

@Suite(.timeLimit(.minutes(1))) struct ResolverTests {
    /// A clock that moves when told, and answers that are counted.
    private final class Scene: Sendable {
        let time = Atomic<UInt64>(1_000_000_000_000)
        let asked = Locked<[String]>([])
        let answer = Locked<Result<[SocketAddress], LoopError>>(.success([.ipv4(1, port: 0)]))
        let gate = DispatchSemaphore(value: 0)
        let isGated = Atomic(false)

        func makeResolver() -> Resolver {
            Resolver(now: { MonotonicTime(nanoseconds: self.time.load(ordering: .relaxed)) }) { host in
                self.asked.withLock { $0.append(host) }
                if self.isGated.load(ordering: .relaxed) { self.gate.wait() }
                return self.answer.withLock { $0 }
            }
        }

        func pass(_ duration: Duration) {
            time.add(UInt64(duration.wholeNanoseconds), ordering: .relaxed)
        }

        var count: Int { asked.withLock { $0.count } }
    }

    @Test func literalsAreNotLookedUp() async throws {
        let scene = Scene()
        let resolver = scene.makeResolver()
        #expect(try await resolver.resolve("10.1.2.3", port: 80) == [.ipv4(0x0A01_0203, port: 80)])
        #expect(try await resolver.resolve("::1", port: 81) == [.ipv6(high: 0, low: 1, port: 81, scope: 0)])
        #expect(scene.count == 0)
    }

    @Test func answersAreRememberedForAWhile() async throws {
        let scene = Scene()
        let resolver = scene.makeResolver()
        #expect(try await resolver.resolve("a", port: 80) == [.ipv4(1, port: 80)])
        #expect(try await resolver.resolve("a", port: 443) == [.ipv4(1, port: 443)])
        #expect(scene.count == 1)
        scene.pass(Resolver.timeToLive - .nanoseconds(1))
        _ = try await resolver.resolve("a", port: 80)
        #expect(scene.count == 1)
        scene.pass(.nanoseconds(1))
        scene.answer.withLock { $0 = .success([.ipv4(2, port: 0)]) }
        #expect(try await resolver.resolve("a", port: 80) == [.ipv4(2, port: 80)])
        #expect(scene.count == 2)
    }

    @Test func failuresAreRememberedForAMoment() async throws {
        let scene = Scene()
        let resolver = scene.makeResolver()
        let failure = LoopError("resolve a: no", number: 0)
        scene.answer.withLock { $0 = .failure(failure) }
        for _ in 0..<3 {
            await #expect(throws: failure) { try await resolver.resolve("a", port: 80) }
        }
        #expect(scene.count == 1)
        scene.pass(Resolver.failureTimeToLive)
        scene.answer.withLock { $0 = .success([.ipv4(1, port: 0)]) }
        #expect(try await resolver.resolve("a", port: 80) == [.ipv4(1, port: 80)])
    }

    @Test func questionsAtOnceShareOneLookUp() async throws {
        let scene = Scene()
        scene.isGated.store(true, ordering: .relaxed)
        let resolver = scene.makeResolver()
        let started = Events<Int>()
        try await withThrowingTaskGroup { group in
            for number in 0..<20 {
                group.addTask {
                    started.add(number)
                    return try await resolver.resolve("a", port: UInt16(number))
                }
            }
            _ = await started.next(20)
            // Those that only now come to ask find the answer; so the count holds whatever the order.
            scene.gate.signal()
            var ports: Set<UInt16> = []
            for try await addresses in group { ports.formUnion(addresses.compactMap(\.port)) }
            #expect(ports == Set(0..<20))
        }
        #expect(scene.count == 1)
    }

    @Test func namesAreApart() async throws {
        let scene = Scene()
        let resolver = scene.makeResolver()
        _ = try await resolver.resolve("a", port: 1)
        _ = try await resolver.resolve("b", port: 1)
        #expect(scene.asked.withLock { $0 } == ["a", "b"])
    }

    @Test func memoryIsBounded() async throws {
        let scene = Scene()
        let resolver = scene.makeResolver()
        for number in 0...Resolver.capacity { _ = try await resolver.resolve("name\(number)", port: 1) }
        #expect(resolver.remembered("name0") == nil)
        #expect(resolver.remembered("name\(Resolver.capacity)") != nil)
    }

    @Test func theSystemKnowsThisMachine() async throws {
        let addresses = try await Resolver.shared.resolve("localhost", port: 80)
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { $0.isLoopback && $0.port == 80 })
    }

    /// `.invalid` never exists (RFC 6761, section 6.4).
    @Test func aNameThatDoesNotExistIsAnError() async throws {
        let error = await #expect(throws: LoopError.self) {
            try await Resolver.shared.resolve("headgate-test.invalid", port: 80)
        }
        #expect(error?.operation.hasPrefix("resolve headgate-test.invalid: ") == true)
    }

    @Test func familiesAlternate() {
        let (a, b, c) = (SocketAddress.ipv4(1, port: 0), SocketAddress.ipv4(2, port: 0), SocketAddress.ipv4(3, port: 0))
        let (x, y) = (
            SocketAddress.ipv6(high: 0, low: 1, port: 0, scope: 0),
            SocketAddress.ipv6(high: 0, low: 2, port: 0, scope: 0)
        )
        #expect(Resolver.interleaved([x, y, a, b, c]) == [x, a, y, b, c])
        #expect(Resolver.interleaved([a, x, b]) == [a, x, b])
        #expect(Resolver.interleaved([a, b]) == [a, b])
        #expect(Resolver.interleaved([]) == [])
    }
}
