import Glibc
import Runnable
import Testing

/// Starts beside other starts, and beside a process that ends.
@Suite(.blocking, .timeLimit(.minutes(2)))
struct StartTests {
    /// A directory with an admin and a handover socket, and the configuration's keys for them.
    private struct Place {
        let admin: AdminSocket
        var handover: String { admin.directory.file("handover") }
        var file: String { admin.directory.file("headgate.yaml") }

        init() throws { admin = try AdminSocket() }

        func configuration(_ text: String = EndpointTests.configuration) -> String {
            "handover: {socket: \"\(handover)\"}\n" + text
        }
    }

    @Test(arguments: [true, false])
    func `a start takes the admin path from a process that drains`(withHandover: Bool) throws {
        let place = try Place()
        let admin = place.admin
        let mock = try MockUpstream("--tokens 5", "--stall 2")
        let text = withHandover ? place.configuration(mock.configuration()) : mock.configuration()
        let first = try admin.daemon(text)
        let stream = try first.connect()
        try stream.post("/stream", #"{"input":"a"}"#)
        try stream.replySoFar { $0.events.count >= 3 }
        first.process.signal(SIGTERM)
        try eventually("it does not drain") { try admin.run("status").ending == .exited(3) }
        let second = try admin.daemon(text)
        try eventually("the path is still the first one's") {
            try admin.status()["pid"]?.integer == Int(second.process.pid)
        }
        #expect(first.process.poll() == nil, "it has a stream to finish")
        first.process.signal(SIGTERM)
        #expect(try first.process.wait() == .exited(0))
        #expect(try admin.status()["pid"]?.integer == Int(second.process.pid))
        #expect(try second.stop() == .exited(0))
        #expect(access(admin.path, F_OK) != 0)
    }

    @Test func `starts at the same time take turns, and one process is left`() throws {
        let place = try Place()
        let first = try place.admin.daemon(place.configuration())
        let others = try (0..<3).map { _ in try Subprocess(Headgate.path, ["serve", "--config", place.file]) }
        let all = [first.process] + others
        try eventually("several serve: \(all.map(\.stderr))") { all.count { $0.poll() == nil } == 1 }
        let last = try #require(all.first { $0.poll() == nil })
        for process in all where process.pid != last.pid { #expect(process.poll() == .exited(0)) }
        for process in all { #expect(!process.stderr.contains("ended without draining")) }
        #expect(try first.get("/health").status == 200)
        #expect(try place.admin.status()["pid"]?.integer == Int(last.pid))
        let handover = try Headgate.run("handover", "--socket", place.handover)
        #expect(handover.ending == .exited(0), "\(handover)")
        #expect(try last.wait() == .exited(0))
        #expect(try place.admin.run("drain", "--wait").ending == .exited(0))
    }

    @Test func `first starts at the same time take turns, too`() throws {
        let place = try Place()
        let (probe, port) = try listeningSocket(backlog: 1)
        close(probe)
        let text = "listen: 127.0.0.1:\(port)\nadmin: {socket: \"\(place.admin.path)\"}\n" + place.configuration()
        try place.admin.directory.write(text, to: "headgate.yaml")
        let all = try (0..<3).map { _ in try Subprocess(Headgate.path, ["serve", "--config", place.file]) }
        try eventually("not one serves: \(all.map(\.stderr))") { all.count { $0.poll() == nil } == 1 }
        for process in all { #expect([nil, .exited(0)].contains(process.poll()), "\(process.stderr)") }
        try eventually("the last one does not serve") { try place.admin.run("status").ending == .exited(0) }
        #expect(try place.admin.run("drain", "--wait").ending == .exited(0))
    }

    @Test func `a process that took sockets and came second is told who was first`() throws {
        let place = try Place()
        let first = try place.admin.daemon(place.configuration())
        let peer = try MessagePeer(to: place.handover)
        try peer.take()
        let second = try place.admin.daemon(place.configuration())
        #expect(try peer.receive() == "taken \(second.process.pid)")
        #expect(try peer.receive() == nil)
        #expect(try first.process.wait() == .exited(0))
        #expect(try second.stop() == .exited(0))
    }
}
