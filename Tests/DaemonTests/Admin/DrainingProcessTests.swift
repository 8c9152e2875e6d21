import Glibc
import Runnable
import Testing

/// Operators' commands while a process finishes what it has begun beside the one that serves.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct DrainingProcessTests {
    private struct Scene {
        let admin: AdminSocket
        let mock: MockUpstream
        let first: Daemon
        let second: Daemon
        let streams: [RawConnection]

        /// A process with a stream, and the one after it with another.
        init(withHandover: Bool) throws {
            admin = try AdminSocket()
            mock = try MockUpstream("--tokens 5", "--stall 2")
            let socket = withHandover ? "handover: {socket: \"\(admin.directory.file("handover"))\"}\n" : ""
            let text = socket + mock.configuration()
            func stream(_ daemon: Daemon, _ id: String) throws -> RawConnection {
                let connection = try daemon.connect()
                try connection.post("/stream", #"{"input":"a"}"#, fields: ["X-Request-Id": id])
                try connection.replySoFar { $0.events.count >= 3 }
                return connection
            }
            first = try admin.daemon(text)
            let old = try stream(first, "same-old")
            if !withHandover {
                first.process.signal(SIGTERM)
                let admin = admin
                try eventually("it does not drain") { try admin.run("status").ending == .exited(3) }
            }
            let next = try admin.daemon(text)
            second = next
            // Until then both accept connections.
            let admin = admin
            try eventually("the path is still the first one's") {
                try admin.status()["pid"]?.integer == Int(next.process.pid)
            }
            streams = [old, try stream(second, "same-new")]
        }
    }

    @Test(arguments: [true, false])
    func `its requests are seen and can be ended`(withHandover: Bool) throws {
        let scene = try Scene(withHandover: withHandover)
        let (admin, pid) = (scene.admin, scene.first.process.pid)
        let socket = "\(admin.path).\(pid)"
        try eventually("no socket of its own") { access(socket, F_OK) == 0 }
        let draining = try eventually("not seen") { try admin.status()["draining"]?.array }
        #expect(draining.map { $0["pid"]?.integer } == [Int(pid)])
        let status = try admin.run("status")
        #expect(status.ending == .exited(0), "the service serves")
        #expect(status.stdout.contains("pid \(pid) drains: 1 requests, 1 of them streams\n"), "\(status.stdout)")
        let rows = try admin.requests()
        #expect(rows.map { $0["id"]?.string } == ["same-old", "same-new"])
        #expect(rows.map { $0["draining_pid"]?.integer } == [Int(pid), nil])
        let table = try admin.run("top", "--once").stdout.split(separator: "\n")
        #expect(table.first { $0.contains("same-old") }?.contains("streaming, draining") == true, "\(table)")
        #expect(table.first { $0.contains("same-new") }?.contains("draining") == false)
        let ambiguous = try admin.run("kill", "same")
        #expect(ambiguous.ending == .exited(1))
        #expect(ambiguous.stderr.contains("several processes"), "\(ambiguous.stderr)")
        #expect(try admin.run("kill", "same-o").stdout.hasPrefix("ended same-old: "))
        #expect(try scene.streams[0].reply().ending == .cut)
        #expect(try scene.first.process.wait() == .exited(0))
        #expect(access(socket, F_OK) != 0)
        #expect(try admin.status()["draining"] == nil)
        #expect(try admin.run("kill", "same").ending == .exited(0))
        #expect(try scene.second.stop() == .exited(0))
    }

    @Test func `what a killed process leaves is removed by the next start`() throws {
        let scene = try Scene(withHandover: true)
        let socket = "\(scene.admin.path).\(scene.first.process.pid)"
        try eventually("no socket of its own") { access(socket, F_OK) == 0 }
        scene.first.process.signal(SIGKILL)
        #expect(try scene.first.process.wait() == .killed(SIGKILL))
        #expect(try scene.admin.status()["draining"] == nil)
        #expect(access(socket, F_OK) == 0)
        let third = try Subprocess(Headgate.path, ["serve", "--config", scene.admin.directory.file("headgate.yaml")])
        try eventually("it stays: \(third.stderr)") { access(socket, F_OK) != 0 }
        third.signal(SIGKILL)
    }
}
