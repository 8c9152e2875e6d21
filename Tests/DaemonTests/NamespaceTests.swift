import Glibc
import Runnable
import Testing

/// A predecessor that this process cannot signal.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct NamespaceTests {
    private static let hasNamespaces =
        (try? Subprocess.run("unshare", ["--pid", "--fork", "--mount-proc", "true"]))?.ending == .exited(0)

    @Test(.enabled(if: hasNamespaces, "PID namespaces are for root"))
    func `a process in another PID namespace that does not drain is reported`() throws {
        let directory = try TemporaryDirectory()
        let socket = directory.file("handover")
        let key = "handover: {socket: \"\(socket)\"}"
        let listener = Glibc.socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        #expect(withUnixAddress(socket) { bind(listener, $0, $1) } == 0 && listen(listener, 1) == 0)
        let text = "listen: 127.0.0.1:0\n" + EndpointTests.configuration + "\n" + key
        let file = try directory.write(text, to: "headgate.yaml")
        let command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", Headgate.path]
        let process = try Subprocess("setsid", command + ["serve", "--config", file])
        let peer = try eventually("it does not come") { () -> Int32? in
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            return poll(&entry, 1, 0) == 1 ? accept(listener, nil, nil) : nil
        }
        defer { close(peer) }
        #expect(send(peer, "end", 3, Int32(MSG_NOSIGNAL)) == 3)
        try eventually("not reported: \(process.stderr)") {
            process.stderr.contains("the process before this one goes on")
        }
        #expect(process.poll() == nil)
    }
}
