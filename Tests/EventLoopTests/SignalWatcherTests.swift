import EventLoop
import Glibc
import Testing

/// One at a time: libevent lets one loop at once own signals.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SignalWatcherTests {
    @Test func signalsArriveOnTheLoop() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        try await fixture.on { home in
            for (signal, name) in [(SIGUSR1, "one"), (SIGUSR2, "two")] {
                let loop = home.loop
                let watcher = try SignalWatcher(on: loop, signal: signal) {
                    events.add(loop.isCurrent ? name : "elsewhere")
                }
                home.keep { watcher.cancel() }
            }
        }
        for _ in 0..<2 {
            kill(getpid(), SIGUSR1)
            #expect(await events.next(1) == ["one"])
            kill(getpid(), SIGUSR2)
            #expect(await events.next(1) == ["two"])
        }
        await fixture.on { $0.close() }
    }

    @Test func aWatcherMayGoInItsCallbackAndAnotherLoopMayFollow() async throws {
        final class Holder { var watcher: SignalWatcher? }
        let fixture = try LoopFixture()
        let events = Events<String>()
        try await fixture.on { home in
            let holder = Holder()
            holder.watcher = try SignalWatcher(on: home.loop, signal: SIGUSR1) {
                holder.watcher?.cancel()
                holder.watcher?.cancel()
                holder.watcher = nil
                events.add("once")
            }
        }
        kill(getpid(), SIGUSR1)
        #expect(await events.next(1) == ["once"])
    }

    @Test func theDefaultActionComesBack() async throws {
        await #expect(processExitsWith: .signal(SIGUSR1)) {
            let loop = try EventLoop(name: "test")
            try SignalWatcher(on: loop, signal: SIGUSR1) {}.cancel()
            // On this thread, so that it comes before the process can end otherwise; pool threads block signals.
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGUSR1)
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            raise(SIGUSR1)
        }
    }

    @Test func aSignalThatCannotBeCaughtIsAnError() async throws {
        let fixture = try LoopFixture()
        await fixture.on { home in
            _ = #expect(throws: LoopError.self) { _ = try SignalWatcher(on: home.loop, signal: SIGKILL) {} }
        }
    }

    @Test func brokenPipesAreErrors() async {
        await #expect(processExitsWith: .success) {
            SignalWatcher.ignoreBrokenPipes()
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { exit(1) }
            close(ends[0])
            guard write(ends[1], "x", 1) == -1, errno == EPIPE else { exit(2) }
            exit(0)
        }
    }
}
