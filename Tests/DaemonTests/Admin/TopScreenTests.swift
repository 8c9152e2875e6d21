import Glibc
import Testing

/// `headgate top` on a terminal.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct TopScreenTests {
    /// A terminal, from the side of whoever looks at it.
    private final class Screen {
        let path: String
        private let descriptor: Int32
        private let device: Int32
        private(set) var text = ""

        init(columns: UInt16, rows: UInt16) throws {
            descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
            // What unlockpt and ptsname do, which Swift's Glibc does not show.
            var isLocked: Int32 = 0
            var number: Int32 = 0
            guard descriptor >= 0, ioctl(descriptor, 0x4004_5431, &isLocked) == 0,  // TIOCSPTLCK
                ioctl(descriptor, 0x8004_5430, &number) == 0  // TIOCGPTN
            else { throw NotYet(description: "no terminal: errno \(errno)") }
            path = "/dev/pts/\(number)"
            // Kept open: its settings are compared afterwards.
            device = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
            resize(columns: columns, rows: rows)
        }

        deinit {
            close(descriptor)
            close(device)
        }

        func resize(columns: UInt16, rows: UInt16) {
            var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
            _ = ioctl(descriptor, UInt(TIOCSWINSZ), &size)
        }

        var flags: tcflag_t {
            var settings = termios()
            tcgetattr(device, &settings)
            return settings.c_lflag
        }

        func press(_ key: String) { _ = write(descriptor, key, key.utf8.count) }

        func forget() { text = "" }

        /// Reads until what was written since ``forget()`` is as wanted.
        func read(_ what: String, until condition: (String) -> Bool) throws {
            let deadline = Deadline()
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while !condition(text) {
                var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&poller, 1, deadline.milliseconds) > 0 else {
                    throw NotYet(description: "no \(what) on the screen: \(text)")
                }
                let count = Glibc.read(descriptor, &buffer, buffer.count)
                guard count > 0 else { throw NotYet(description: "the terminal is gone, without \(what): \(text)") }
                text += String(decoding: buffer[..<count], as: UTF8.self)
            }
        }

        func top(_ admin: AdminSocket, environment: [String: String] = [:]) throws -> Subprocess {
            let script = "exec \"$0\" top --socket \"$1\" --interval 100ms <\"$2\" >\"$2\""
            return try Subprocess(
                "/bin/sh",
                ["-c", script, Headgate.path, admin.path, path],
                environment: ["TERM": "xterm", "NO_COLOR": ""].merging(environment) { $1 }
            )
        }
    }

    private func scene() throws -> (AdminSocket, Daemon, MockUpstream, RawConnection) {
        let admin = try AdminSocket()
        let mock = try MockUpstream("--tokens 100000", "--interval 20ms")
        let daemon = try admin.daemon(mock.configuration())
        let connection = try daemon.connect()
        try connection.post("/stream", #"{"input":"a secret prompt"}"#, fields: ["X-Request-Id": "the-one"])
        try connection.replySoFar { $0.events.count >= 2 }
        return (admin, daemon, mock, connection)
    }

    @Test func `it draws, follows keys and the window, and leaves the terminal as it was`() throws {
        let (admin, daemon, mock, connection) = try scene()
        let screen = try Screen(columns: 160, rows: 20)
        let flags = screen.flags
        let top = try screen.top(admin)
        try screen.read("table") { $0.contains("the-one") && $0.contains("CLIENT") }
        #expect(screen.text.contains("\u{1B}[?1049h"))
        #expect(screen.text.contains("\u{1B}[32mstreaming\u{1B}[0m"))
        #expect(screen.flags != flags)
        screen.press("t")
        try screen.read("other order") { $0.contains("now: tokens") }
        screen.resize(columns: 60, rows: 6)
        top.signal(SIGWINCH)
        screen.forget()
        // Whole pictures of the new size: each begins at the top left.
        try screen.read("narrow table") { text in
            let pictures = text.components(separatedBy: "\u{1B}[H").dropFirst().dropLast()
            guard let last = pictures.last, last.contains("the-one") else { return false }
            return !last.contains("CLIENT") && last.components(separatedBy: "\r\n").count <= 6
        }
        screen.press("\u{1B}[A")  // an arrow is no letter
        screen.press("q")
        #expect(try top.wait() == .exited(0), "\(top.stderr)")
        try screen.read("end") { $0.contains("\u{1B}[?1049l") }
        #expect(screen.flags == flags)
        #expect(!screen.text.contains("secret"))
        withExtendedLifetime((daemon, mock, connection)) {}
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
    func `a signal leaves the terminal as it was`(signal: Int32) throws {
        let (admin, daemon, mock, connection) = try scene()
        let screen = try Screen(columns: 100, rows: 20)
        let flags = screen.flags
        let top = try screen.top(admin, environment: ["NO_COLOR": "1"])
        try screen.read("table") { $0.contains("the-one") }
        #expect(!screen.text.contains("\u{1B}[32m"), "colours though nobody wants them")
        top.signal(signal)
        #expect(try top.wait() == .exited(128 + signal))
        try screen.read("end") { $0.hasSuffix("\u{1B}[?25h\u{1B}[?1049l") }
        #expect(screen.flags == flags)
        withExtendedLifetime((daemon, mock, connection)) {}
    }

    @Test func `it stays when the daemon goes, and finds the next one`() throws {
        let (admin, daemon, mock, connection) = try scene()
        let screen = try Screen(columns: 100, rows: 20)
        let top = try screen.top(admin)
        try screen.read("table") { $0.contains("the-one") }
        daemon.process.signal(SIGKILL)
        try screen.read("message") { $0.contains("no daemon listens there") }
        let next = try admin.daemon(mock.configuration())
        try screen.read("next daemon") { $0.contains("pid \(next.process.pid)") }
        screen.press("q")
        #expect(try top.wait() == .exited(0))
        withExtendedLifetime(connection) {}
    }

    @Test func `a dumb terminal gets one table`() throws {
        let (admin, daemon, mock, connection) = try scene()
        let screen = try Screen(columns: 80, rows: 20)
        let top = try screen.top(admin, environment: ["TERM": "dumb"])
        #expect(try top.wait() == .exited(0))
        try screen.read("table") { $0.contains("the-one") }
        #expect(!screen.text.contains("\u{1B}"))
        withExtendedLifetime((daemon, mock, connection)) {}
    }
}

extension String {
    /// The parts between separators, as Foundation has it.
    fileprivate func components(separatedBy separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
