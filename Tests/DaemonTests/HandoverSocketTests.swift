import Glibc
import Runnable
import Testing

/// What becomes of sockets and their files when one process takes over from another, or fails to.
@Suite(.blocking, .timeLimit(.minutes(2)))
struct HandoverSocketTests {
    private func place() throws -> (directory: TemporaryDirectory, key: String) {
        let directory = try TemporaryDirectory()
        return (directory, "handover: {socket: \"\(directory.file("handover"))\"}")
    }

    private func isServed(_ path: String) throws -> Bool {
        let reply = try curl("--unix-socket", path, "http://localhost/health")
        return reply.ending == .exited(0) && reply.stdout.contains("ok")
    }

    private func mode(_ path: String) throws -> UInt32 {
        var status = stat()
        try #require(stat(path, &status) == 0)
        return status.st_mode & 0o777
    }

    @Test func `a process that fails late leaves the old one its sockets, and none of its own`() throws {
        let (directory, key) = try place()
        let (old, fresh) = (directory.file("old"), directory.file("fresh"))
        let configuration = EndpointTests.configuration + "\n" + key
        let daemon = try Daemon(
            configuration,
            listen: "[\"127.0.0.1:0\", \"unix:\(old)\"]",
            listeners: 2,
            directory: directory
        )
        // The admin socket comes when everything else is open.
        try daemon.rewrite(
            configuration + "\nadmin: {socket: /nowhere/at/all.sock}",
            listen: "[\"127.0.0.1:0\", \"unix:\(fresh)\"]"
        )
        let result = try Headgate.run("handover", "--socket", directory.file("handover"))
        #expect(result.ending == .exited(1))
        #expect(result.stderr.contains("/nowhere/at/all.sock"), "\(result.stderr)")
        #expect(try isServed(old))
        #expect(access(fresh, F_OK) != 0)
        #expect(try daemon.stop() == .exited(0))
        #expect(access(old, F_OK) != 0)
    }

    @Test func `a process that stops leaves the path alone that another has taken`() throws {
        let mock = try MockUpstream("--ttft 1000s")
        let directory = try TemporaryDirectory()
        let path = directory.file("s")
        let configuration = mock.configuration(more: "server: {drain_timeout: 2s}")
        let listen = "[\"127.0.0.1:0\", \"unix:\(path)\"]"
        let first = try Daemon(configuration, listen: listen, listeners: 2, directory: directory)
        let connection = try first.connect()
        try connection.post("/stream", #"{"input":"a"}"#)
        try mock.stats("the request") { $0.concurrent == 1 }
        first.process.signal(SIGTERM)
        _ = try eventually("it does not drain") { first.logged("draining").first }
        let second = try Daemon(configuration, listen: listen, listeners: 2)
        #expect(try first.process.wait() == .exited(0))
        #expect(try isServed(path))
        #expect(try second.stop() == .exited(0))
        #expect(access(path, F_OK) != 0)
    }

    @Test func `permissions that were changed come into force with the next process`() throws {
        let (directory, key) = try place()
        let path = directory.file("s")
        let configuration = EndpointTests.configuration + "\n" + key
        func listen(_ mode: String) -> String { "[\"127.0.0.1:0\", {address: \"unix:\(path)\", mode: \"\(mode)\"}]" }
        let first = try Daemon(configuration, listen: listen("0666"), listeners: 2, directory: directory)
        #expect(try mode(path) == 0o666)
        let second = try Daemon(configuration, listen: listen("0600"), listeners: 2, directory: directory)
        #expect(try first.process.wait() == .exited(0))
        try eventually("the permissions are the old ones") { try mode(path) == 0o600 }
        #expect(try second.stop() == .exited(0))
    }

    @Test func `hundreds of listeners are handed over`() throws {
        let (directory, key) = try place()
        let listen = "[" + [String](repeating: "\"127.0.0.1:0\"", count: 400).joined(separator: ", ") + "]"
        let configuration = EndpointTests.configuration + "\n" + key
        let first = try Daemon(configuration, listen: listen, listeners: 400, directory: directory)
        let second = try Daemon(configuration, listen: listen, listeners: 400, directory: directory)
        #expect(try first.process.wait() == .exited(0))
        #expect(Set(first.ports) == Set(second.ports))
        #expect(second.logged("killed a process that did not hand over").isEmpty)
        #expect(try second.stop() == .exited(0))
    }

    @Test func `who connects to the handover socket and says nothing is in nobody's way`() throws {
        let (directory, key) = try place()
        let configuration = EndpointTests.configuration + "\n" + key
        let first = try Daemon(configuration, directory: directory)
        var silent: [Int32] = []
        defer { for descriptor in silent { close(descriptor) } }
        for _ in 0..<40 {
            let descriptor = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0)
            silent.append(descriptor)
            let result = withUnixAddress(directory.file("handover")) { connect(descriptor, $0, $1) }
            try #require(result == 0)
        }
        let second = try Daemon(configuration, directory: directory)
        #expect(second.port == first.port)
        #expect(try first.process.wait() == .exited(0))
        #expect(try second.stop() == .exited(0))
    }

    @Test(arguments: ["handover", "admin"]) func `no file is taken for a socket`(key: String) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("precious", to: "file")
        let place = "\(key): {socket: \"\(path)\"}"
        let daemon = try Subprocess(
            Headgate.path,
            [
                "serve", "--config",
                try directory.write(
                    "listen: 127.0.0.1:0\n\(EndpointTests.configuration)\n\(place)",
                    to: "headgate.yaml"
                ),
            ]
        )
        try eventually("it does not say so") { daemon.stderr.contains(path) }
        daemon.signal(SIGTERM)
        _ = try daemon.wait()
        var bytes = [UInt8](repeating: 0, count: 100)
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        #expect(read(descriptor, &bytes, bytes.count) == 8)
    }
}
