import EventLoop
import Glibc
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct EventLoopTests {
    @Test func workFromOtherThreadsRunsOnTheLoopInEachThreadsOrder() async throws {
        let fixture = try LoopFixture()
        let events = Events<[Int]>()
        let threads = 4
        let each = 500
        let loop = fixture.loop
        await withTaskGroup { group in
            for thread in 0..<threads {
                group.addTask { @concurrent in
                    for number in 0..<each { loop.execute { events.add([thread, number, loop.isCurrent ? 1 : 0]) } }
                }
            }
        }
        var next = [Int](repeating: 0, count: threads)
        for event in await events.next(threads * each) {
            #expect(event == [event[0], next[event[0]], 1])
            next[event[0]] += 1
        }
        #expect(next == [Int](repeating: each, count: threads))
        #expect(!loop.isCurrent)
    }

    @Test func jobsOfTheLoopsOwnRunInOrderAndInTheSameTurn() async throws {
        let fixture = try LoopFixture()
        let events = Events<Int>()
        let turns = Events<MonotonicTime>()
        await fixture.on { home in
            turns.add(home.loop.lastTurn)
            for number in 0..<100 {
                Task(executorPreference: home.loop) { events.add(number) }
            }
            home.loop.execute { events.add(-1) }
            Task(executorPreference: home.loop) { turns.add(home.loop.lastTurn) }
        }
        let order = await events.next(101)
        #expect(order.filter { $0 >= 0 } == Array(0..<100))
        let times = await turns.next(2)
        #expect(times.first == times.last)
    }

    /// Work that never waits would keep descriptors and timers waiting.
    @Test(arguments: [true, false]) func timersComeBetweenTurnsOfWorkThatNeverWaits(onTheLoop: Bool) async throws {
        let fixture = try LoopFixture()
        let loop = fixture.loop
        let fired = Events<Bool>()
        await fixture.on { home in
            let timer = LoopTimer(on: home.loop) { fired.add(true) }
            timer.arm(at: .now)
            home.keep { timer.cancel() }
        }
        let work = Task(executorPreference: onTheLoop ? loop : nil) {
            while !Task.isCancelled { await loop.nextTurn() }
            return loop.isCurrent
        }
        #expect(await fired.next(1) == [true])
        work.cancel()
        #expect(await work.value == onTheLoop)
    }

    @Test func actorsLiveOnTheLoop() async throws {
        let fixture = try LoopFixture()
        let loop = fixture.loop
        #expect(await fixture.on { $0.loop.isCurrent })
        #expect(!loop.isCurrent)
        #expect(loop.isIsolatingCurrentContext() == false)
        let home = Home(loop)
        let events = Events<Bool>()
        loop.execute { home.assumeIsolated { events.add($0.loop.isCurrent) } }  // as from a C callback
        #expect(await events.next(1) == [true])
    }

    @Test func tasksAndTheirChildrenStayOnTheLoop() async throws {
        let fixture = try LoopFixture()
        let loop = fixture.loop
        @concurrent func concurrent() async -> Bool { loop.isCurrent }
        let task = Task(executorPreference: loop) {
            async let first = loop.isCurrent
            let second = await withTaskGroup { group in
                for _ in 0..<3 { group.addTask { loop.isCurrent } }
                return await group.reduce(true) { $0 && $1 }
            }
            let third = await concurrent()
            await Task.yield()
            return [await first, second, third, loop.isCurrent]
        }
        #expect(await task.value == [true, true, true, true])
    }

    /// A job queued before the calls would run as soon as one of them went through the queue.
    ///
    /// Holds for tasks that prefer the loop: in one that does not, each call is queued, because the runtime compares preferences too.
    @Test func actorsOfOneLoopCallEachOtherWithoutAJob() async throws {
        let fixture = try LoopFixture()
        let home = Home(fixture.loop)
        let caller = Caller(fixture.loop)
        let task = Task(executorPreference: fixture.loop) { await caller.calls(home, count: 1000) }
        #expect(await task.value == 0)
    }

    private actor Caller {
        nonisolated let loop: EventLoop
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
        private var jobs = 0

        init(_ loop: EventLoop) { self.loop = loop }

        /// Counts the jobs that got in between.
        func calls(_ other: Home, count: Int) async -> Int {
            Task { ran() }
            for _ in 0..<count {
                await other.nothing()
                await helper()
            }
            return jobs
        }

        private func ran() { jobs += 1 }

        private nonisolated func helper() async {}
    }

    @Test func beforePollComesAfterTheJobsOfTheTurn() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        await fixture.on { home in
            home.beforePoll { events.add("flush 1") }
            home.beforePoll {
                events.add("flush 2")
                home.beforePoll { events.add("flush 3") }
                Task(executorPreference: home.loop) { events.add("job of flush") }
            }
            Task(executorPreference: home.loop) {
                events.add("job 1")
                Task(executorPreference: home.loop) { events.add("job 2") }
            }
        }
        #expect(await events.next(6) == ["job 1", "job 2", "flush 1", "flush 2", "job of flush", "flush 3"])
    }

    @Test func beforePollRunsOnceEach() async throws {
        let fixture = try LoopFixture()
        let events = Events<Int>()
        await fixture.on { home in home.beforePoll { events.add(1) } }
        await fixture.turn()
        await fixture.turn()
        events.add(2)
        #expect(await events.next(2) == [1, 2])
    }

    @Test func aTaskThatAlwaysYieldsStarvesNobody() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        let pair = SocketPair()
        defer { pair.close() }
        let spinning = Task(executorPreference: fixture.loop) {
            while !Task.isCancelled { await Task.yield() }
        }
        defer { spinning.cancel() }
        try await fixture.on { home in
            home.beforePoll { events.add("flushed") }
            let watcher = try Watcher(on: home.loop, descriptor: pair.ours, interest: .readable) {
                _ = Socket.readText(pair.ours)
                events.add("read")
            }
            home.keep { watcher.cancel() }
            try watcher.resume()
        }
        #expect(await events.next(1) == ["flushed"])
        Socket.write(pair.theirs, text: "x")
        #expect(await events.next(1) == ["read"])
        await fixture.turn()
    }

    @Test func stopRunsWhatIsQueuedAndJoinWaitsForIt() async throws {
        let loop = try EventLoop(name: "a name of more than fifteen bytes")
        let ran = Atomic(0)
        for _ in 0..<10 { loop.execute { ran.add(1, ordering: .relaxed) } }
        try loop.start()
        loop.stop()
        loop.join()
        #expect(ran.load(ordering: .relaxed) == 10)
        #expect(!loop.isCurrent)
        loop.join()  // and again
    }

    @Test func aLoopMayStopItself() throws {
        let loop = try EventLoop(name: "test")
        try loop.start()
        loop.execute { loop.stop() }
        loop.join()
    }

    @Test func aLoopThatNeverRanCanGo() throws {
        _ = try EventLoop(name: "test").scratchBuffer
    }

    @Test func theThreadHasTheLoopsName() async throws {
        let fixture = try LoopFixture("a-long-name-for-a-loop")
        let name = await fixture.on { _ in
            var text = [UInt8](repeating: 0, count: 64)
            let file = open("/proc/thread-self/comm", O_RDONLY)
            defer { close(file) }
            let count = read(file, &text, text.count)
            return String(decoding: text[..<max(0, count)], as: UTF8.self)
        }
        #expect(name == "a-long-name-for\n")
    }

    @Test func buffersArePaddedAndApart() async throws {
        let fixture = try LoopFixture()
        await fixture.on { home in
            let (first, second) = (home.loop.readBuffer, home.loop.scratchBuffer)
            #expect(first.count == EventLoop.readBufferSize && second.count == EventLoop.readBufferSize)
            #expect(first.baseAddress != second.baseAddress)
            #expect(home.loop.scratchBuffer.baseAddress == second.baseAddress)
            for buffer in [first, second] {
                let padding = UnsafeRawBufferPointer(
                    start: buffer.baseAddress?.advanced(by: buffer.count),
                    count: EventLoop.readBufferPadding
                )
                #expect(padding.count == 64 && padding.allSatisfy { $0 == 0 })
            }
        }
    }

    @Test func loopBoundValuesAreLentOnTheirLoop() async throws {
        final class Local { var number = 41 }
        let fixture = try LoopFixture()
        let bound = LoopBound(Local(), loop: fixture.loop)
        await fixture.on { _ in bound.value.number += 1 }
        #expect(await fixture.on { _ in bound.value.number } == 42)
        #expect(bound.loop === fixture.loop)
    }

    @Test func loopBoundValuesTrapElsewhere() async {
        await #expect(processExitsWith: .failure) {
            let bound = LoopBound(1, loop: try EventLoop(name: "test"))
            _ = bound.value
        }
    }
}
