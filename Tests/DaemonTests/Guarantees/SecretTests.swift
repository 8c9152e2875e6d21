import Glibc
import Runnable
import Testing

/// G8: secrets stay in. Canaries are searched in everything the process says.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct SecretTests {
    private static let key = "sk-canary-key-51c09a7be2"
    private static let header = "canary-header-92ab1f0d44"
    private static let parameter = "canary-param-77aa31b0c5"
    private static let file = "sk-canary-file-0b7de86a13"
    private static let collector = "sk-canary-collector-4e1f6cc02d"
    private static let scope = "canary-scope-a7740d91be"
    private static let canaries = [key, header, parameter, file, collector, scope]

    /// Echoes everything it was sent, keys included, as its error, its answer or its stream.
    private static func upstream() throws -> ThreadedUpstream {
        try ThreadedUpstream { exchange in
            let echo = Value.string(exchange.head + " " + exchange.body.description).description
            let words = exchange.prompt.split(separator: " ")
            let error = "{\"error\":{\"message\":\(echo),\"type\":\(echo),\"code\":\(echo)}}"
            switch words.first {
            case "status":
                let status = words.last.flatMap { Int($0) } ?? 500
                exchange.respond(status, error, fields: "X-Echo: \(SecretTests.key)\r\n")
            case "event":
                exchange.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: \(error)\n\n")
                return .close
            case "garbage":
                exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\nBearer \(SecretTests.key)")
                return .close
            case "names":
                exchange.respond(
                    200,
                    """
                    {"model":"\(SecretTests.key)","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},\
                    "finish_reason":"\(SecretTests.header)"}]}
                    """
                )
            case "head":
                exchange.send("Bearer \(SecretTests.key)\r\n\r\n")
                return .close
            case "drop": return .reset
            default: exchange.complete("fine")
            }
            return .keep
        }
    }

    /// - Parameter collector: the port of who gets the spans.
    private static func configuration(_ port: Int, level: String = "trace", collector: Int = 1) -> String {
        """
        log: {level: \(level)}
        tracing:
          endpoint: http://127.0.0.1:\(collector)
          sample: 1
          interval: 10ms
          api_key: ${HEADGATE_TEST_COLLECTOR}
          headers: {X-Scope-Token: \(scope)}
        backends:
          up:
            dialect: openai
            url: http://127.0.0.1:\(port)/v1
            api_key: ${HEADGATE_TEST_KEY}
            headers: {X-Api-Key: \(header), X-Plain: "${HEADGATE_TEST_HEADER}"}
          filed: {dialect: openai, url: "http://127.0.0.1:\(port)/v1", api_key_file: key.txt}
        models:
          demo: {backend: up, model: m, params: {api_key: \(parameter), user: "${HEADGATE_TEST_PARAMETER}"}}
          filed: {backend: filed, model: m}
        routes:
          /: {model: demo, output: text}
          /filed: {model: filed}
        """
    }

    private static let environment = [
        "HEADGATE_TEST_KEY": key, "HEADGATE_TEST_HEADER": header, "HEADGATE_TEST_PARAMETER": parameter,
        "HEADGATE_TEST_COLLECTOR": collector,
    ]

    private func expectNone(in text: String, _ what: String) {
        for canary in SecretTests.canaries {
            #expect(!text.contains(canary), "\(canary) in \(what)")
            // Nor most of it: a head or a tail of a key is too much already.
            #expect(!text.contains(canary.dropFirst(8)), "the end of \(canary) in \(what)")
        }
    }

    @Test func `keys are nowhere, whatever the upstream does with them`() throws {
        let upstream = try SecretTests.upstream()
        let spans = Failures()
        let collector = try ThreadedUpstream { exchange in
            spans.add(exchange.body.description)
            exchange.respond(200, "{}")
            return .keep
        }
        let directory = try TemporaryDirectory()
        try directory.write(SecretTests.file + "\n", to: "key.txt")
        let daemon = try Daemon(
            SecretTests.configuration(upstream.port, collector: collector.port),
            directory: directory,
            environment: SecretTests.environment
        )
        let prompts = [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 503, 529].map { "status \($0)" }
        var said = ""
        for prompt in prompts + ["event", "garbage", "head", "drop", "fine"] {
            for route in ["", "/filed"] {
                let invoke = try daemon.post(route + "/invoke", "{\"input\":\"\(prompt)\"}")
                if prompt == "status 401" || prompt == "status 403" {
                    #expect(invoke.status == 502)
                }
                said += "\(invoke)\n\(invoke.text)\n"
                for accept in ["text/event-stream", "application/x-ndjson", "text/plain"] {
                    let fields = ["Accept": accept]
                    let stream = try daemon.post(route + "/stream", "{\"input\":\"\(prompt)\"}", fields: fields)
                    said += "\(stream)\n\(stream.text)\n"
                    let batch = try daemon.post(
                        route + "/batch",
                        "{\"inputs\":[\"\(prompt)\",\"fine\"]}",
                        fields: fields
                    )
                    said += "\(batch)\n\(batch.text)\n"
                }
            }
        }
        #expect(try daemon.post("/invoke", #"{"input":"names"}"#).status == 200)
        for path in ["/", "/health", "/ready", "/nothing"] { said += try daemon.get(path).text }
        expectNone(in: said, "an answer")
        expectNone(in: try daemon.scrape().text, "the metrics")
        let accept = ["Accept": "application/openmetrics-text; version=1.0.0"]
        let openMetrics = try daemon.scrape(accept).text
        #expect(openMetrics.contains("# {"))
        expectNone(in: openMetrics, "the exemplars")
        daemon.process.signal(SIGHUP)
        try eventually("not reloaded") { !daemon.logged("configuration reloaded").isEmpty }
        try directory.write(
            "listen: 127.0.0.1:0\nbackends: {up: {dialect: openai, url: \"http://u:${HEADGATE_TEST_KEY}@h/\", api_key: [\"${HEADGATE_TEST_KEY}\"]}}",
            to: "headgate.yaml"
        )
        daemon.process.signal(SIGHUP)
        try eventually("nothing logged") { !daemon.logged("configuration not reloaded").isEmpty }
        #expect(try daemon.stop() == .exited(0))
        let log = daemon.process.stderr
        #expect(log.contains("upstream_auth"))
        expectNone(in: log + daemon.process.stdout, "the log")
        // The service has stopped, so that everything is there.
        let traced = spans.all.joined(separator: "\n")
        #expect(traced.contains("upstream_auth") && traced.contains("gen_ai.response.finish_reasons"))
        expectNone(in: traced, "a span")
    }

    @Test func `live control shows none`() throws {
        let upstream = try SecretTests.upstream()
        let admin = try AdminSocket()
        try admin.directory.write(SecretTests.file + "\n", to: "key.txt")
        let configuration = SecretTests.configuration(upstream.port)
        let daemon = try admin.daemon(configuration, environment: SecretTests.environment)
        let follower = try Subprocess(Headgate.path, ["tail", "--json", "--socket", admin.path])
        let reader = try Subprocess(Headgate.path, ["tail", "--socket", admin.path])
        try eventually("nobody follows") { try admin.status()["followers"]?.integer == 2 }
        for prompt in ["status 401", "status 500", "event", "garbage", "head", "fine"] {
            for path in ["/invoke", "/filed/stream"] {
                _ = try daemon.post(path, "{\"input\":\"\(prompt)\"}")
            }
        }
        var said = ""
        for arguments in [["status"], ["status", "--json"], ["top", "--once"], ["top", "--json"], ["reload"]] {
            let result = try Subprocess.run(Headgate.path, arguments + ["--socket", admin.path])
            #expect(result.ending == .exited(0))
            said += result.stdout + result.stderr
        }
        try admin.rewrite(daemon, configuration + "\nserver: {max_body: \"${HEADGATE_TEST_KEY}\"}\n")
        let refused = try admin.run("reload")
        #expect(refused.ending == .exited(78))
        said += refused.stdout + refused.stderr
        try daemon.stop()
        for follower in [follower, reader] {
            #expect(try follower.wait() == .exited(1))  // the daemon has ended
            #expect(follower.stdout.contains("upstream_auth"))
            said += follower.stdout + follower.stderr
        }
        expectNone(in: said + daemon.process.stderr, "live control")
    }

    @Test func `the upstream does get the keys`() throws {
        let heads = Failures()
        let upstream = try ThreadedUpstream { exchange in
            heads.add(exchange.head)
            exchange.complete("fine")
            return .keep
        }
        let directory = try TemporaryDirectory()
        try directory.write(SecretTests.file + "\n", to: "key.txt")
        let daemon = try Daemon(
            SecretTests.configuration(upstream.port),
            directory: directory,
            environment: SecretTests.environment
        )
        #expect(try daemon.post("/invoke", #"{"input":"a"}"#, fields: ["Authorization": "Bearer caller"]).status == 200)
        #expect(try daemon.post("/filed/invoke", #"{"input":"a"}"#).status == 200)
        let all = heads.all
        #expect(all[0].lowercased().contains("authorization: bearer \(SecretTests.key)"))
        #expect(!all[0].contains("caller"), "the caller's credentials went upstream")
        #expect(all[1].lowercased().contains("authorization: bearer \(SecretTests.file)"))
    }

    @Test func `check and mistakes show none`() throws {
        let directory = try TemporaryDirectory()
        try directory.write(SecretTests.file + "\n", to: "key.txt")
        let good = try directory.write(SecretTests.configuration(1), to: "good.yaml")
        let check = try Headgate.run("check", "--config", good, environment: SecretTests.environment)
        #expect(check.ending == .exited(0), "\(check.stderr)")
        expectNone(in: check.stdout + check.stderr, "check")
        for mistake in [
            "backends: {up: {dialect: openai, url: \"${HEADGATE_TEST_KEY}\"}}",
            "backends: {up: {dialect: openai, url: \"http://u:${HEADGATE_TEST_KEY}@h/v1\"}}",
            "backends: {up: {dialect: openai, url: \"http://h/v1?key=\(SecretTests.key)\"}}",
            "backends: {up: {dialect: openai, url: \"http://h/v1\", api_key: {value: \(SecretTests.key)}}}",
            "backends: {up: {dialect: openai, url: \"http://h/v1\", api_key: \"\(SecretTests.key) \"}}",
            "backends: {up: {dialect: \"${HEADGATE_TEST_KEY}\", url: \"http://h/v1\"}}",
            "backends: {up: {dialect: openai, url: \"http://h/v1\", headers: {X-Api-Key: \"\(SecretTests.header)\\n\"}}}",
            "server: {max_body: \"${HEADGATE_TEST_KEY}\"}",
            "\(SecretTests.key)",
        ] {
            let bad = try directory.write(mistake, to: "bad.yaml")
            for command in ["check", "serve"] {
                let result = try Headgate.run(command, "--config", bad, environment: SecretTests.environment)
                #expect(result.ending == .exited(78), "\(mistake)")
                expectNone(in: result.stdout + result.stderr, "the mistake of \(mistake): \(result.stderr)")
            }
        }
    }
}
