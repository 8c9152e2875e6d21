import EventLoop
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1))) struct WatcherTests {
    @Test func readableCallsWhileThereIsSomethingToRead() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        let pair = SocketPair()
        defer { pair.close() }
        try await fixture.on { home in
            let watcher = try Watcher(on: home.loop, descriptor: pair.ours, interest: .readable) {
                events.add(Socket.readText(pair.ours, limit: 1) ?? "nothing")
            }
            home.keep { watcher.cancel() }
            #expect(!watcher.isActive)
            try watcher.resume()
            try watcher.resume()
            #expect(watcher.isActive)
        }
        Socket.write(pair.theirs, text: "abc")
        #expect(await events.next(3) == ["a", "b", "c"])
        Socket.write(pair.theirs, text: "d")
        #expect(await events.next(1) == ["d"])
        await fixture.on { $0.close() }
    }

    @Test func edgesAreChangesOnly() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        let pair = SocketPair()
        defer { pair.close() }
        try await fixture.on { home in
            let watcher = try Watcher(on: home.loop, descriptor: pair.ours, interest: .readableEdge) {
                events.add("edge")  // and leaves the bytes where they are
            }
            home.keep { watcher.cancel() }
            try watcher.resume()
        }
        for _ in 0..<3 {
            Socket.write(pair.theirs, text: "x")
            #expect(await events.next(1) == ["edge"])
            await fixture.turn()
            await fixture.turn()
        }
        events.add("end")
        #expect(await events.next(1) == ["end"])
        await fixture.on { $0.close() }
    }

    /// A client that has finished sending is watched for a reset, and may still be a slow reader. Were its end reported as long
    /// as it lasts, the loop would spin until the client has read everything.
    @Test func edgesStayEdgesBesideWaitingToWrite() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        let pair = SocketPair()
        let filled = Socket.fill(pair.ours)
        Socket.shutdownWrite(pair.theirs)
        try await fixture.on { home in
            let edge = try Watcher(on: home.loop, descriptor: pair.ours, interest: .readableEdge) { events.add("edge") }
            home.keep { edge.cancel() }
            try edge.resume()
            var writer: Watcher?
            writer = try Watcher(on: home.loop, descriptor: pair.ours, interest: .writable) {
                events.add("room")
                writer?.cancel()
                writer = nil
            }
            home.keep { writer?.cancel() }
            try writer?.resume()
        }
        #expect(await events.next(1) == ["edge"])
        for _ in 0..<10 { await fixture.turn() }
        events.add("quiet")
        #expect(await events.next(1) == ["quiet"])
        var left = filled
        while left > 0, let text = Socket.readText(pair.theirs, limit: 1 << 20) { left -= text.utf8.count }
        #expect(await events.next(1) == ["room"])
        Glibc.close(pair.theirs)
        #expect(await events.next(1) == ["edge"])
        await fixture.on { $0.close() }
        Glibc.close(pair.ours)
    }

    @Test func writableCallsWhileThereIsRoom() async throws {
        let fixture = try LoopFixture()
        let events = Events<Int>()
        let pair = SocketPair()
        defer { pair.close() }
        try await fixture.on { home in
            var count = 0
            var pause: () -> Void = {}
            let watcher = try Watcher(on: home.loop, descriptor: pair.ours, interest: .writable) {
                count += 1
                if count == 3 { pause() }
                events.add(count)
            }
            pause = { [unowned watcher] in watcher.pause() }
            home.keep { watcher.cancel() }
            try watcher.resume()
        }
        #expect(await events.next(3) == [1, 2, 3])
        await fixture.turn()
        events.add(0)
        #expect(await events.next(1) == [0])
        await fixture.on { $0.close() }
    }

    @Test func pausedWatchersAreSilent() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        let pair = SocketPair()
        defer { pair.close() }
        Socket.write(pair.theirs, text: "x")
        let watcher = try await fixture.on { home in
            let watcher = try Watcher(on: home.loop, descriptor: pair.ours, interest: .readable) {
                events.add(Socket.readText(pair.ours) ?? "nothing")
            }
            home.keep { watcher.cancel() }
            try watcher.resume()
            watcher.pause()
            watcher.pause()
            #expect(!watcher.isActive)
            return LoopBound(watcher, loop: home.loop)
        }
        await fixture.turn()
        events.add("quiet")
        #expect(await events.next(1) == ["quiet"])
        try await fixture.on { _ in try watcher.value.resume() }
        #expect(await events.next(1) == ["x"])
        await fixture.on { $0.close() }
    }

    @Test func aWatcherMayGoInItsOwnCallback() async throws {
        final class Holder { var watcher: Watcher? }
        let fixture = try LoopFixture()
        let events = Events<String>()
        let pair = SocketPair()
        defer { pair.close() }
        try await fixture.on { home in
            let holder = Holder()
            holder.watcher = try Watcher(on: home.loop, descriptor: pair.ours, interest: .readable) {
                holder.watcher?.cancel()
                holder.watcher?.cancel()
                holder.watcher = nil
                events.add("once")
            }
            try holder.watcher?.resume()
        }
        Socket.write(pair.theirs, text: "x")
        #expect(await events.next(1) == ["once"])
        await fixture.turn()
        events.add("quiet")
        #expect(await events.next(1) == ["quiet"])
    }

    @Test func aWatcherMayCancelAnotherOfTheSameTurn() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        let (first, second) = (SocketPair(), SocketPair())
        defer {
            first.close()
            second.close()
        }
        try await fixture.on { home in
            var watchers: [Watcher] = []
            for pair in [first, second] {
                watchers.append(
                    try Watcher(on: home.loop, descriptor: pair.ours, interest: .readable) {
                        events.add("one")
                        for watcher in watchers { watcher.cancel() }
                        watchers = []
                    }
                )
            }
            for watcher in watchers { try watcher.resume() }
            Socket.write(first.theirs, text: "x")
            Socket.write(second.theirs, text: "x")
        }
        #expect(await events.next(1) == ["one"])
        await fixture.turn()
        events.add("quiet")
        #expect(await events.next(1) == ["quiet"])
    }

    @Test func endsAndResetsAreReadable() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        let pair = SocketPair()
        try await fixture.on { home in
            var watcher: Watcher?
            watcher = try Watcher(on: home.loop, descriptor: pair.ours, interest: .readable) {
                let outcome = Socket.read(pair.ours, into: home.loop.readBuffer)
                events.add(outcome == .endOfFile ? "end" : "\(outcome)")
                watcher?.cancel()
                watcher = nil
            }
            try watcher?.resume()
        }
        Glibc.close(pair.theirs)
        #expect(await events.next(1) == ["end"])
        Glibc.close(pair.ours)
    }

    @Test func whatCannotBeWatchedIsAnError() async throws {
        let fixture = try LoopFixture()
        let regular = open(#filePath, O_RDONLY)
        defer { close(regular) }
        try await fixture.on { home in
            for descriptor in [regular, 100_000] {
                let watcher = try Watcher(on: home.loop, descriptor: descriptor, interest: .readable) {}
                #expect(throws: LoopError.self) { try watcher.resume() }
                #expect(!watcher.isActive)
                watcher.cancel()
            }
        }
    }
}
