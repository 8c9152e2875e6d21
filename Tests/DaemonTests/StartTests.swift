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
}
