import Glibc

/// The terminal that a table is drawn on: its size, its keys and its second screen.
final class Terminal {
    /// Whether the terminal has no cursor to move, or says nothing about itself.
    static var isDumb: Bool {
        guard let name = getenv("TERM").map({ String(cString: $0) }) else { return true }
        return name.isEmpty || name == "dumb"
    }

    /// Columns and rows; those of the environment, else 80 and 24, where the output is no terminal.
    static var size: (columns: Int, rows: Int) {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 {
            return (Int(size.ws_col), Int(size.ws_row))
        }
        func variable(_ name: String) -> Int? {
            getenv(name).flatMap { Int(String(cString: $0)) }.flatMap { $0 > 0 ? $0 : nil }
        }
        return (variable("COLUMNS") ?? 80, variable("LINES") ?? 24)
    }

    private var settings = termios()
    private var isEntered = false

    deinit { leave() }

    /// Switches to the second screen, with keys that come at once and unseen. Signals still come from their keys.
    func enter() {
        guard !isEntered, tcgetattr(STDIN_FILENO, &settings) == 0 else { return }
        isEntered = true
        var raw = settings
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
        try? StandardOutput.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Back to how it was.
    func leave() {
        guard isEntered else { return }
        isEntered = false
        try? StandardOutput.write("\u{1B}[?25h\u{1B}[?1049l")
        tcsetattr(STDIN_FILENO, TCSADRAIN, &settings)
    }

    /// Shows these lines, from the top, and nothing else: overwritten in place, so that nothing flickers.
    func draw(_ lines: [String]) {
        let body = lines.joined(separator: "\u{1B}[K\r\n")
        try? StandardOutput.write("\u{1B}[H\(body)\u{1B}[K\u{1B}[J")
    }

    /// The keys pressed; nil when there will be no more.
    static func readKeys() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(STDIN_FILENO, &buffer, buffer.count)
        if count < 0 { return errno == EINTR || errno == EAGAIN ? [] : nil }
        guard count > 0 else { return nil }
        return letters(buffer[..<count])
    }

    /// What was pressed apart from arrows and their like, which come as an escape, `[` or `O`, and all up to a letter or `~`.
    private static func letters(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var letters: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == 0x1B else {
                letters.append(byte)
                continue
            }
            guard let kind = rest.popFirst(), kind == UInt8(ascii: "[") || kind == UInt8(ascii: "O") else { continue }
            while let part = rest.popFirst(), !(0x40...0x7E ~= part) {}
        }
        return letters
    }
}
