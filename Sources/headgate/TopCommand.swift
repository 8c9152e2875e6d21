public import ArgumentParser
import EventLoop
public import Gateway
import Glibc
import Runnable

/// `headgate top`
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show the requests that are under way, as a table that keeps itself up to date.",
        discussion: """
            Keys: q quits; a, t and w sort by age, tokens, and bytes that wait for the client. Ids are shortened as far as they stay
            different; `headgate kill` takes them so. Nothing of prompts and answers is shown.
            Where the output is no terminal it prints one table and exits, as with --once.

            STATE says what a request waits for: "queued" for one of the backend's connections (max_connections), "waiting for head" for a
            connect or the upstream's answer, "waiting for first token", "streaming", "blocked on client" for a client that does not
            read, "running" for anything else, such as a limit of a pipeline. WAITING is bytes that the client has still to take.
            """
    )

    @OptionGroup
    var options: AdminOptions

    @Flag(help: "Print one table and exit.")
    var once = false

    @Flag(help: "Print one JSON object and exit: all that the table shows and more.")
    var json = false

    @Option(help: "What comes first: age, tokens or waiting.")
    var sort = RequestOrder.age

    @Option(help: "How often to look, at least 100ms.")
    var interval = DurationArgument(.seconds(1))

    @Option(help: "The most requests to print with --once or --json.")
    var limit = 100

    func validate() throws {
        guard interval.duration >= .milliseconds(100) else {
            throw ValidationError("--interval: expected at least 100ms")
        }
        guard 1...1000 ~= limit else { throw ValidationError("--limit: expected 1 to 1000") }
    }

    func run() async throws {
        let client = try options.client()
        if json {
            let (reply, value) = try client.orExit { client throws(AdminClient.Failure) in
                try client.requestsOfAll(limit, sort)
            }
            try reply.expectSuccess()
            return try StandardOutput.write(value.jsonText + "\n")
        }
        let isInteractive = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && !Terminal.isDumb
        guard isInteractive, !once else { return try printOnce(client) }
        let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT]
        let (caught, loop) = try await Signals.caught(signals)
        let pipe = try SignalPipe(caught, on: loop)
        let screen = TopScreen(client: client, order: sort, interval: interval.duration)
        let ending = screen.run(until: pipe)
        if let ending { throw ExitCode(128 + ending) }
    }

    private func printOnce(_ client: AdminClient) throws {
        let (status, requests) = try client.orExit { client throws(AdminClient.Failure) in
            (try client.statusOfAll(), try client.requestsOfAll(limit, sort))
        }
        try status.reply.expectSuccess()
        try requests.reply.expectSuccess()
        let rows = (requests.value["requests"]?.array ?? []).compactMap { RequestRow($0) }
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let width = isTerminal ? Terminal.size.columns : Int.max
        var lines = [StatusText.headline(status.value), ""]
        lines += TopTable.lines(rows, width: width, isColored: StandardOutput.isColored)
        let more = (requests.value["total"]?.integer ?? 0) - rows.count
        if more > 0 { lines.append("... \(more) more") }
        try StandardOutput.write(lines.map { $0 + "\n" }.joined())
    }
}

extension RequestOrder: ExpressibleByArgument {}

/// Signals as bytes of a pipe, for a thread that waits for keys too.
final class SignalPipe: Sendable {
    let descriptor: Int32
    private let forwarding: Task<Void, Never>

    /// - Parameter loop: where signals are forwarded: the waiting thread may be the only one that tasks have.
    init(_ signals: AsyncStream<Int32>, on loop: EventLoop) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw LoopError("open pipe") }
        descriptor = ends[0]
        let writing = ends[1]
        forwarding = Task.detached(executorPreference: loop) {
            for await signal in signals {
                var byte = UInt8(truncatingIfNeeded: signal)
                write(writing, &byte, 1)
            }
            close(writing)
        }
    }

    deinit {
        forwarding.cancel()
        close(descriptor)
    }

    /// The next signal, which must be there.
    func next() -> Int32? {
        var byte: UInt8 = 0
        return read(descriptor, &byte, 1) == 1 ? Int32(byte) : nil
    }
}

/// The table on the screen, until somebody has seen enough.
final class TopScreen {
    private let client: AdminClient
    private var order: RequestOrder
    private let interval: Duration
    private let terminal = Terminal()
    private var headline = ""
    private var rows: [RequestRow] = []
    private var total = 0
    private var problem: String?

    /// How long an answer is waited for: keys are not heard meanwhile.
    private static let patience = Duration.seconds(2)

    init(client: AdminClient, order: RequestOrder, interval: Duration) {
        self.client = client
        self.order = order
        self.interval = interval
    }

    /// Draws until a key or a signal ends it; the terminal is as it was before.
    ///
    /// - Returns: the signal that ended it; nil for a key.
    func run(until signals: SignalPipe) -> Int32? {
        terminal.enter()
        defer { terminal.leave() }
        var next = MonotonicTime.now
        while true {
            if next <= .now {
                look()
                next = .now + interval
            }
            draw()
            var entries = [
                pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let left = max(0, (next - .now).wholeMilliseconds + 1)
            guard poll(&entries, 2, Int32(clamping: left)) > 0 else { continue }
            if entries[1].revents != 0 {
                guard let signal = signals.next() else { return nil }
                if let ending = handle(signal) { return ending }
            }
            if entries[0].revents != 0 {
                guard let keys = Terminal.readKeys() else { return nil }
                for key in keys {
                    switch key {
                    case UInt8(ascii: "q"), UInt8(ascii: "Q"): return nil
                    case UInt8(ascii: "a"): order = .age
                    case UInt8(ascii: "t"): order = .tokens
                    case UInt8(ascii: "w"): order = .waiting
                    default: continue
                    }
                    next = .now
                }
            }
        }
    }

    /// Nil where it goes on.
    private func handle(_ signal: Int32) -> Int32? {
        switch signal {
        case SIGWINCH: return nil
        case SIGTSTP:
            terminal.leave()
            kill(getpid(), SIGSTOP)
            terminal.enter()  // somebody has sent SIGCONT
            return nil
        case SIGCONT: return nil
        default: return signal
        }
    }

    private func look() {
        do throws(AdminClient.Failure) {
            let limit = min(1000, max(1, Terminal.size.rows))
            let status = try client.statusOfAll(patience: TopScreen.patience)
            let requests = try client.requestsOfAll(limit, order, patience: TopScreen.patience)
            problem = [status.reply, requests.reply].first { $0.status != 200 }?.error
            guard problem == nil else { return }
            headline = StatusText.headline(status.value)
            total = requests.value["total"]?.integer ?? 0
            rows = (requests.value["requests"]?.array ?? []).compactMap { RequestRow($0) }
        } catch {
            problem = "\(error)"
            rows = []
            total = 0
        }
    }

    private func draw() {
        let (columns, height) = Terminal.size
        let isColored = StandardOutput.isColored
        var lines = [String((problem ?? headline).prefix(columns))]
        lines.append(String("q quit   sort: a age, t tokens, w waiting (now: \(order.rawValue))".prefix(columns)))
        let table = TopTable.lines(rows, width: columns, isColored: isColored)
        let room = height - lines.count
        if total > rows.count || table.count > room {
            let shown = max(1, min(table.count, room - 1))
            lines += table.prefix(shown)
            lines.append(String("... \(total - (shown - 1)) more".prefix(columns)))
        } else {
            lines += table
        }
        terminal.draw(Array(lines.prefix(height)))
    }
}
