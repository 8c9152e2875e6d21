import Glibc
import Runnable
import Testing

/// `headgate supervise`, and the process under it.
@Suite(.blocking, .timeLimit(.minutes(2)))
struct SupervisorTests {
    @Test func `ready, watchdog, reload and stop pass through`() throws {
        let unit = try SupervisedUnit()
        let daemon = try unit.start(EndpointTests.configuration)
        try unit.manager.hear("READY=1")
        #expect(unit.manager.heard.count == 1)
        #expect(try daemon.get("/ready").status == 200)
        try unit.manager.hear("WATCHDOG=1")
        try unit.manager.hear("WATCHDOG=1")
        daemon.process.signal(SIGHUP)
        try unit.manager.hear("RELOADING=1")
        try unit.manager.hear("READY=1")
        daemon.process.signal(SIGTERM)
        try unit.manager.hear("STOPPING=1")
        #expect(try daemon.process.wait() == .exited(0))
        #expect(!daemon.logged("stopped").isEmpty)
    }

    @Test func `a reload that is asked while a new process starts takes place in that one`() throws {
        let unit = try SupervisedUnit()
        let daemon = try unit.start(EndpointTests.configuration)
        try unit.manager.hear("READY=1")
        let old = try #require(children(of: daemon.process.pid).first)
        try stopAndWait(old)  // so that it neither reloads nor hands over
        daemon.process.signal(SIGUSR2)
        let new = try eventually("no new process") { children(of: daemon.process.pid).first { $0 != old } }
        daemon.process.signal(SIGHUP)
        try eventually("\(old) got no signal") { text(of: "/proc/\(old)/status").contains("ShdPnd:\t0000000000000001") }
        kill(old, SIGKILL)
        try unit.manager.hear("READY=1")
        try unit.manager.hear("RELOADING=1")
        try unit.manager.hear("READY=1")
        #expect(children(of: daemon.process.pid) == [new])
        #expect(daemon.logged("configuration reloaded").count == 1)
        #expect(try daemon.stop() == .exited(0))
    }

    @Test func `its exit status is the process's`() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("nonsense: 1", to: "bad.yaml")
        let bad = try Headgate.run("supervise", "--config", file)
        #expect(bad.ending == .exited(78))
        #expect(bad.stderr.contains("bad.yaml:1: nonsense"))
        let unit = try SupervisedUnit()
        let daemon = try unit.start(EndpointTests.configuration)
        let worker = try #require(children(of: daemon.process.pid).first)
        kill(worker, SIGKILL)
        #expect(try daemon.process.wait() == .exited(128 + SIGKILL))
    }

    @Test func `the process ends with its supervisor`() throws {
        let unit = try SupervisedUnit()
        let daemon = try unit.start(EndpointTests.configuration)
        let worker = try #require(children(of: daemon.process.pid).first)
        try stopAndWait(worker)  // as it also must when it is stuck
        kill(daemon.process.pid, SIGKILL)
        #expect(try daemon.process.wait() == .killed(SIGKILL))
        try eventually("\(worker) stays") { !isRunning(worker) }
    }

    @Test(arguments: ["signal", "command"])
    func `a new process takes over under load`(how: String) throws {
        let unit = try SupervisedUnit()
        let mock = try MockUpstream("--tokens 30", "--interval 5ms")
        let daemon = try unit.start(mock.configuration(loops: 2))
        let load = SteadyLoad(port: daemon.port, kept: 2, fresh: 2, streams: 4, events: 32)
        for round in 1...2 {
            let before = children(of: daemon.process.pid)
            if how == "signal" {
                daemon.process.signal(SIGUSR2)
            } else {
                let result = try Headgate.run("handover", "--socket", unit.socket)
                #expect(result.ending == .exited(0), "\(result.stderr)")
            }
            try eventually("round \(round): \(daemon.process.stderr)") {
                let now = children(of: daemon.process.pid)
                return now.count == 1 && now != before
            }
            try load.wait(for: 20, \.answers)
        }
        try load.stop()
        #expect(load.failures.all == [])
        #expect(daemon.logged("a new process serves").count == 2)
        daemon.process.signal(SIGTERM)
        try unit.manager.hear("STOPPING=1")
        #expect(
            unit.manager.heard.count { $0.contains("STOPPING=1") } == 1,
            "a process that drains is no service that stops"
        )
        #expect(try daemon.process.wait() == .exited(0))
    }

    @Test func `a new process that fails is refused with its reason`() throws {
        let unit = try SupervisedUnit()
        let daemon = try unit.start(EndpointTests.configuration)
        try daemon.rewrite("nonsense: 1")
        let result = try Headgate.run("handover", "--socket", unit.socket)
        #expect(result.ending == .exited(1))
        #expect(result.stderr.contains("headgate.yaml:2: nonsense"), "\(result.stderr)")
        #expect(try daemon.get("/health").status == 200)
        #expect(try daemon.stop() == .exited(0))
    }

    @Test func `left to itself the process serves until the next supervisor's takes over`() throws {
        let unit = try SupervisedUnit()
        let mock = try MockUpstream("--tokens 100", "--interval 10ms")
        let configuration = mock.configuration(loops: 2)
        let first = try unit.start(configuration)
        let worker = try #require(children(of: first.process.pid).first)
        let stream = try first.connect()
        try stream.post("/stream", #"{"input":"Hello"}"#)
        try stream.replySoFar { $0.events.count >= 3 }
        let load = SteadyLoad(port: first.port, kept: 2, fresh: 2, streams: 0, events: 0)
        first.process.signal(SIGUSR1)
        first.process.signal(SIGTERM)  // as a service manager does next
        #expect(try first.process.wait() == .exited(0))
        try load.wait(for: 10, \.answers)
        #expect(isRunning(worker))
        // One that fails changes nothing.
        let bad = try unit.directory.write(configuration + "\n\(unit.key)\nnonsense: 1", to: "bad.yaml")
        #expect(try Headgate.run("supervise", "--config", bad).ending == .exited(78))
        try load.wait(for: 10, \.answers)
        let second = try unit.start(configuration)
        #expect(second.port == first.port)
        try load.wait(for: 10, \.answers)
        try load.stop()
        #expect(load.failures.all == [])
        #expect(try stream.reply().events.count == 102)
        try eventually("\(worker) stays") { !isRunning(worker) }
        #expect(try second.stop() == .exited(0))
    }

    @Test func `handovers at the same time all hear what came of them`() throws {
        let unit = try SupervisedUnit()
        let daemon = try unit.start(EndpointTests.configuration)
        let before = children(of: daemon.process.pid)
        // It finds them all when it goes on.
        try stopAndWait(try #require(before.first))
        let commands = try (0..<3).map { _ in try Subprocess(Headgate.path, ["handover", "--socket", unit.socket]) }
        try eventually("they do not ask") { commands.allSatisfy { hasSocket($0.pid) } }
        kill(before[0], SIGCONT)
        for command in commands {
            #expect(try command.wait() == .exited(0), "\(command.stderr)")
            let pid = try #require(command.stdout.split(separator: " ").compactMap { pid_t($0) }.first)
            #expect(!before.contains(pid))
        }
        #expect(daemon.logged("no handover").isEmpty)
        #expect(try daemon.get("/health").status == 200)
        #expect(try daemon.stop() == .exited(0))
    }

    private func hasSocket(_ pid: pid_t) -> Bool {
        (3..<10).contains { number in
            var target = [UInt8](repeating: 0, count: 64)
            let count = readlink("/proc/\(pid)/fd/\(number)", &target, target.count)
            return count > 0 && String(decoding: target[..<count], as: UTF8.self).hasPrefix("socket:")
        }
    }

    @Test func `a stuck process is not left to itself`() throws {
        let unit = try SupervisedUnit()
        let daemon = try unit.start(EndpointTests.configuration)
        let worker = try #require(children(of: daemon.process.pid).first)
        try stopAndWait(worker)
        daemon.process.signal(SIGUSR1)
        #expect(try daemon.process.wait() == .exited(0))
        try eventually("\(worker) stays") { !isRunning(worker) }
    }
}
