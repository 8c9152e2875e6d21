import Glibc
import Testing

@Suite(.blocking, .timeLimit(.minutes(1)))
struct CommandTests {
    @Test func `version and help`() throws {
        let version = try Headgate.run("version")
        #expect(version.ending == .exited(0))
        #expect(version.stdout.wholeMatch(of: /headgate \d+\.\d+\.\d+\n/) != nil)
        #expect(try Headgate.run("--version").ending == .exited(0))
        let help = try Headgate.run("--help")
        #expect(help.ending == .exited(0))
        for word in [
            "serve", "check", "graph", "mock", "version", "status", "top", "tail", "kill", "drain", "reload",
            "curl http://127.0.0.1:8080/invoke", "78",
        ] {
            #expect(help.stdout.contains(word), "--help says nothing of \(word)")
        }
        for command in ["serve", "check", "graph", "mock", "status", "top", "tail", "kill", "drain", "reload"] {
            let help = try Headgate.run(command, "--help")
            #expect(help.ending == .exited(0))
            #expect(help.stdout.contains("USAGE: headgate \(command)"))
        }
    }

    @Test(arguments: [
        ["serve", "--nonsense"], ["check", "extra"], ["mock", "--tokens", "many"], ["mock", "--listen", "nowhere"],
        ["top", "--interval", "1ms"], ["top", "--limit", "0"], ["kill"], ["kill", ""], ["drain", "--timeout", "soon"],
        ["dance"], ["graph", "/nowhere"], ["graph", "--format", "dot"], ["serve", "--listen", "nowhere"],
        ["check", "--listen", "127.0.0.1:99999"],
        ["serve", "--listen", "127.0.0.1:1", "--listen", "127.0.0.1:1"],
    ])
    func `wrong arguments are 64`(arguments: [String]) throws {
        let result = try Subprocess.run(Headgate.path, arguments)
        #expect(result.ending == .exited(64))
        #expect(result.stderr.contains("Error: "))
        #expect(result.stdout.isEmpty)
    }

    @Test(arguments: ["serve", "check", "graph"])
    func `a wrong configuration is 78, with every mistake by file, line and key`(command: String) throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            """
            listen: 127.0.0.1:0
            surprise: 1
            backends:
              local: {dialect: openai, url: "ftp://x"}
              mock: {dialect: mock}
            models:
              demo: {backend: mok}
            routes:
              /: {model: demo, output: txt}
            server: {max_body: much}
            """,
            to: "bad.yaml"
        )
        let result = try Headgate.run(command, "--config", file)
        #expect(result.ending == .exited(78))
        for place in [
            "bad.yaml:2: surprise: ", "bad.yaml:4: backends.local.url: ", "bad.yaml:7: models.demo.backend: ",
            "bad.yaml:9: routes./.output: ", "bad.yaml:10: server.max_body: ",
        ] {
            #expect(result.stderr.contains(place), "no \(place) in: \(result.stderr)")
        }
        #expect(result.stderr.split(separator: "\n").count == 5)
        #expect(result.stdout.isEmpty)
    }

    @Test(arguments: ["serve", "check"])
    func `a missing configuration is 78`(command: String) throws {
        let result = try Headgate.run(command, "--config", "/nonexistent/headgate.yaml")
        #expect(result.ending == .exited(78))
        #expect(result.stderr.contains("/nonexistent/headgate.yaml"))
    }

    @Test func `a check whose output is lost has failed`() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            "{backends: {m: {dialect: mock}}, models: {m: {backend: m}}, routes: {/: {model: m}}}",
            to: "headgate.yaml"
        )
        let command = #""$0" check --config "$1" > /dev/full"#
        let result = try Subprocess.run("/bin/sh", ["-c", command, Headgate.path, file])
        #expect(result.ending == .exited(1))
        #expect(result.stderr.contains("standard output: "))
    }

    @Test func `missing variables are mistakes too`() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            """
            backends:
              a: {dialect: openai, url: "${HEADGATE_TEST_NO_URL}"}
              b: {dialect: openai, url: "http://127.0.0.1:1/v1", api_key: "${HEADGATE_TEST_NO_KEY}"}
            models: {a: {backend: a}, b: {backend: b}}
            routes: {/: {model: a}, /b: {model: b}}
            """,
            to: "variables.yaml"
        )
        let result = try Headgate.run("check", "--config", file)
        #expect(result.ending == .exited(78))
        #expect(result.stderr.contains("variables.yaml:2: backends.a.url: "))
        #expect(result.stderr.contains("variables.yaml:3: backends.b.api_key: "))
        #expect(result.stderr.contains("HEADGATE_TEST_NO_KEY"))
    }

    @Test func `a taken port is 1 with one clear line`() throws {
        let (descriptor, port) = try listeningSocket(backlog: 1)
        defer { close(descriptor) }
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            """
            listen: 127.0.0.1:\(port)
            backends: {mock: {dialect: mock}}
            models: {demo: {backend: mock}}
            routes: {/: {model: demo}}
            """,
            to: "taken.yaml"
        )
        let result = try Headgate.run("serve", "--config", file)
        #expect(result.ending == .exited(1))
        #expect(result.stderr.contains("127.0.0.1:\(port)"))
        #expect(result.stderr.lowercased().contains("address already in use"))
        #expect(result.stderr.split(separator: "\n").count { $0.contains("127.0.0.1:\(port)") } == 1)
        let overridden = try Headgate.run("serve", "--config", file, "--listen", "127.0.0.1:\(port)")
        #expect(overridden.ending == .exited(1))
    }

    @Test func `closed standard descriptors become dev null`() throws {
        let directory = try TemporaryDirectory()
        let socket = directory.file("s")
        let file = try directory.write("listen: \"unix:\(socket)\"\n" + EndpointTests.configuration, to: "c.yaml")
        let arguments = ["-c", "exec \"$0\" serve --config \"$1\" 0<&- 1>&- 2>&-", Headgate.path, file]
        let process = try Subprocess("/bin/sh", arguments)
        try eventually("it does not listen") { access(socket, F_OK) == 0 }
        for descriptor in 0...2 {
            var target = [UInt8](repeating: 0, count: 256)
            let count = readlink("/proc/\(process.pid)/fd/\(descriptor)", &target, target.count)
            #expect(String(decoding: target[..<max(0, count)], as: UTF8.self) == "/dev/null", "\(descriptor)")
        }
        process.signal(SIGTERM)
        #expect(try process.wait() == .exited(0))
    }

    @Test func `certificates that cannot be used are 78`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("no certificate", to: "c.pem")
        try directory.write("no key", to: "k.pem")
        let file = try directory.write(
            """
            listen: {address: "127.0.0.1:0", certificate: c.pem, key: k.pem}
            backends: {mock: {dialect: mock}}
            models: {demo: {backend: mock}}
            routes: {/: {model: demo}}
            """,
            to: "tls.yaml"
        )
        for command in ["serve", "check"] {
            let result = try Headgate.run(command, "--config", file)
            #expect(result.ending == .exited(78))
            #expect(result.stderr.contains("tls.yaml:1: listen.certificate: "))
            #expect(result.stderr.contains("tls.yaml:1: listen.key: "))
        }
    }

    @Test func `check prints what the configuration comes to, and that again is a configuration`() throws {
        let canary = "canary-7f3e9d1b-check"
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            """
            backends:
              local: {dialect: openai, url: "http://127.0.0.1:1/v1", api_key: "${HEADGATE_TEST_KEY}", headers: {X-Api-Key: \(canary)}}
            models: {demo: {backend: local, model: m, params: {temperature: 0.10}}}
            routes: {/: {model: demo}}
            """,
            to: "headgate.yaml"
        )
        let environment = ["HEADGATE_TEST_KEY": canary]
        let result = try Headgate.run("check", "--config", file, environment: environment)
        #expect(result.ending == .exited(0))
        #expect(!(result.stdout + result.stderr).contains(canary))
        #expect(result.stdout.contains("temperature: 0.10"))
        #expect(result.stdout.contains("idle_timeout: 75s"), "defaults are missing")
        let quiet = try Headgate.run("check", "--config", file, "--quiet", environment: environment)
        #expect(quiet.ending == .exited(0))
        #expect(quiet.stdout.isEmpty)

        let again = try directory.write(result.stdout, to: "again.yaml")
        let second = try Headgate.run("check", "--config", again, environment: environment)
        #expect(second.ending == .exited(0), "\(second.stderr)")
        #expect(second.stdout == result.stdout)
    }

    @Test func `graph draws the routes`() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            """
            backends: {mock: {dialect: mock}}
            models: {gemma: {backend: mock}}
            routes:
              /short: {pipeline: [{prompt: "{text}"}, {model: gemma, retry: }, {parser: string}]}
              /both: {pipeline: [{parallel: {short: {route: /short}, long: {model: gemma}}}]}
            """,
            to: "pipelines.yaml"
        )
        let short = try Headgate.run("graph", "/short", "--config", file)
        #expect(short.ending == .exited(0))
        #expect(
            short.stdout == """
                /short
                |   in: an object of text
                +-- prompt (text)
                +-- model gemma  [retry 3]
                `-- parser string
                    out: a text

                """
        )
        let all = try Headgate.run("graph", "--config", file)
        #expect(all.ending == .exited(0))
        #expect(all.stdout.hasPrefix(short.stdout + "\n/both\n"))
        let chart = try Headgate.run("graph", "--config", file, "--format", "mermaid")
        #expect(chart.ending == .exited(0))
        #expect(chart.stdout.hasPrefix("flowchart TD\n"))
        #expect(chart.stdout.contains("subgraph route1[\"/both\"]\n"))
        #expect(try Headgate.run("graph").stdout.hasPrefix("/\n"))
    }
}
