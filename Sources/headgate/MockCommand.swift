import ArgumentParser
import EventLoop
import Gateway
import Glibc
import Providers

/// `headgate mock`: the deterministic upstream as a server.
struct MockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mock",
        abstract: "Serve a deterministic upstream that speaks OpenAI's chat completions, and misbehaves on request.",
        discussion: """
            Answers POST /v1/chat/completions, GET /v1/models, /health and /stats, POST /stats/reset.
            Every option but --listen and --loops can be changed by a request: in its "mock" object, or in an x-mock field:

              headgate mock --listen 127.0.0.1:18081 --tokens 64 --interval 20ms
              curl -N http://127.0.0.1:18081/v1/chat/completions -H 'x-mock: tokens=5,truncate=3t' \\
                -d '{"stream":true,"messages":[{"role":"user","content":"Hi"}]}'

            Durations: 500us, 20ms, 1.5s. Places: head, 120b (bytes of the body), 5t (tokens).
            """
    )

    @Option(help: "Where to listen: 127.0.0.1:PORT, [::1]:PORT or unix:/path. Port 0 takes a free one.")
    var listen = "127.0.0.1:18081"

    @Option(help: "Event loops, each a thread.")
    var loops = 1

    @Option(help: "Any of the options below as text: tokens=5,interval=20ms,...")
    var script: String?

    @OptionGroup(title: "What it answers")
    var answer: MockAnswerOptions

    @OptionGroup(title: "How it fails")
    var faults: MockFaultOptions

    func validate() throws {
        _ = try address()
        _ = try makeScript()
        guard 1...1024 ~= loops else { throw ValidationError("--loops: expected 1 to 1024") }
    }

    func run() async throws {
        SignalWatcher.ignoreBrokenPipes()
        DescriptorLimit.raise()
        let (signals, _) = try await Signals.caught([SIGTERM, SIGINT])
        let server = try await MockServer.start(on: address(), loops: loops, script: makeScript())
        var line = "listening on \(server.origin)\n"
        line.withUTF8 { _ = write(STDOUT_FILENO, $0.baseAddress, $0.count) }  // at once, also into a pipe
        for await _ in signals { break }
        // Connections end with the process: waiting for clients is what a gateway does, not its test partner.
    }

    private func address() throws -> SocketAddress {
        guard let address = SocketAddress(parsing: listen) else {
            throw ValidationError("--listen: expected 127.0.0.1:8080, [::1]:8080 or unix:/path, found \"\(listen)\"")
        }
        return address
    }

    private func makeScript() throws -> MockScript {
        var result = MockScript()
        do throws(MockScriptError) {
            if let script { try result.apply(script) }
            for (key, value) in answer.pairs + faults.pairs {
                guard let value else { continue }
                // A status may bring what belongs to it: --status 429*2,retry-after=1
                if key == "status" { try result.apply("\(key)=\(value)") } else { try result.set(key, value) }
            }
            try result.check()
        } catch {
            throw ValidationError("--\(error.key): \(error.reason)")
        }
        return result
    }
}

/// Options that shape an answer.
struct MockAnswerOptions: ParsableArguments {
    @Option(help: "words, echo (the last user message) or text:TEXT.")
    var reply: String?

    @Option(help: "How many words an answer has (default: 16).")
    var tokens: String?

    @Option(help: "Time before the response head.")
    var latency: String?

    @Option(help: "Time from the head to the first token.")
    var ttft: String?

    @Option(help: "Time between two tokens.")
    var interval: String?

    @Option(help: "The finish reason, or none.")
    var finish: String?

    @Option(help: "Where token counts are told: auto, chunk, finish or none.")
    var usage: String?

    @Option(help: "Answer with a call of this function.")
    var tool: String?

    @Option(help: "The call's arguments, as JSON.")
    var toolArguments: String?

    var pairs: [(String, String?)] {
        [
            ("reply", reply), ("tokens", tokens), ("latency", latency), ("ttft", ttft), ("interval", interval),
            ("finish", finish), ("usage", usage), ("tool", tool), ("tool-arguments", toolArguments),
        ]
    }
}

/// Options that break an answer.
struct MockFaultOptions: ParsableArguments {
    @Option(help: "Statuses of the requests in turn: 429*2,503. The last one without *N stays, after others comes 200.")
    var status: String?

    @Option(help: "Retry-After of failures, in seconds.")
    var retryAfter: String?

    @Option(help: "Close the connection at this place.")
    var truncate: String?

    @Option(help: "Reset the connection at this place.")
    var reset: String?

    @Option(help: "End the HTTP body at this place, in the proper way.")
    var end: String?

    @Option(help: "Bytes in one write, head and chunk sizes included.")
    var split: String?

    @Option(help: "Time between such writes.")
    var splitPause: String?

    @Option(help: "Fall silent at this place.")
    var stall: String?

    @Option(help: "For how long (default: for ever).")
    var stallFor: String?

    @Option(help: "Send a comment at this interval meanwhile.")
    var stallPings: String?

    @Option(help: "proper, close, length, long-length, short-length, both, bad-chunk or garbage.")
    var framing: String?

    @Option(help: "Send an error event behind so many tokens, and end the stream.")
    var errorAfter: String?

    @Option(help: "no: streams end without [DONE].")
    var done: String?

    var pairs: [(String, String?)] {
        [
            ("status", status), ("retry-after", retryAfter), ("truncate", truncate), ("reset", reset), ("end", end),
            ("split", split), ("split-pause", splitPause), ("stall", stall), ("stall-for", stallFor),
            ("stall-pings", stallPings), ("framing", framing), ("error-after", errorAfter), ("done", done),
        ]
    }
}
