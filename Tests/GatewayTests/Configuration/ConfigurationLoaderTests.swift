import Foundation
import Testing

@testable import Gateway

@Suite struct ConfigurationLoaderTests {
    @Test func `reads every key`() throws {
        let loaded = try withFolder { folder in
            for name in ["cert.pem", "ca.pem"] { try folder.write(name, TestPEM.shared().certificate) }
            try folder.write("key.pem", TestPEM.shared().key)
            try folder.write("key.txt", "sk-from-file\n")
            let file = try folder.write("full.yaml", Self.everyKey)
            let result = ConfigurationLoader.load(file: file, environment: ["KEY": "sk-env", "SPACE": "a b"])
            return (try result.get(), folder.path)
        }
        let (configuration, folder) = loaded
        #expect(
            configuration.listen == [
                ListenerSettings(address: .ipv4(host: "127.0.0.1", port: 1)),
                ListenerSettings(address: .unix(path: "/run/a.sock"), mode: 0o600),
                ListenerSettings(
                    address: .ipv6(host: "::", port: 443),
                    tls: CertificateFiles(certificate: "\(folder)/cert.pem", key: "\(folder)/key.pem")
                ),
            ]
        )
        #expect(configuration.loops == .fixed(3))
        var server = ServerSettings()
        server.maxConnections = 11
        server.maxRequestLine = 1 << 10
        server.maxHeaderBytes = 2 << 10
        server.maxHeaderFields = 12
        server.maxBody = 3 << 20
        server.headerTimeout = .seconds(1)
        server.bodyTimeout = .seconds(2)
        server.idleTimeout = .seconds(3)
        server.writeTimeout = .seconds(4)
        server.drainTimeout = .seconds(5)
        server.keepaliveInterval = .zero
        server.streamHighWater = 64 << 10
        #expect(configuration.server == server)
        #expect(server.streamLowWater == 32 << 10)
        var log = LogSettings()
        (log.level, log.format, log.access) = (.debug, .json, false)
        #expect(configuration.log == log)
        #expect(configuration.backend("full") == Self.fullBackend(folder))
        #expect(configuration.backend("filed")?.apiKey == Secret("sk-from-file"))
        #expect(configuration.backend("filed")?.apiKeyFile == "\(folder)/key.txt")
        #expect(configuration.backend("mock")?.mock == Self.fullMock)
        #expect(configuration.model("a:b/c")?.model == "up")
        #expect(configuration.model("a:b/c")?.params == Self.params)
        #expect(configuration.model("plain")?.model == "plain")
        let route = try #require(configuration.route("/v1/chat"))
        #expect(route.output == .text)
        #expect((route.maxConcurrency, route.maxBatch) == (7, 70))
        #expect(route.allowConfig == [.tags, .runID])
    }

    private static let everyKey = """
        listen: [127.0.0.1:1, {address: "unix:/run/a.sock", mode: 0600}, {address: "[::]:443", certificate: cert.pem, key: key.pem}]
        loops: 3
        server:
          max_connections: 11
          max_request_line: 1KiB
          max_header_bytes: 2KiB
          max_header_fields: 12
          max_body: 3MiB
          header_timeout: 1s
          body_timeout: 2s
          idle_timeout: 3s
          write_timeout: 4s
          drain_timeout: 5s
          keepalive_interval: 0s
          stream_high_water: 64KiB
        log: {level: debug, format: json, access: false}
        backends:
          full:
            dialect: openai
            url: https://example.org:8443/v1/
            api_key: ${KEY}
            headers: {X-Plain: a b, X-Api-Key: k1, X-Env: "${SPACE}"}
            organization: org-1
            project: proj_2
            ca_file: ca.pem
            server_name: Inner.example
            client_certificate: {certificate: cert.pem, key: key.pem}
            max_connections: 20
            max_idle_connections: 30
            idle_timeout: 40s
            max_pending: 50
            queue_timeout: 60s
            timeouts: {connect: 1s, tls: 2s, head: 3s, first_token: 4s, idle: 5s, total: 6s}
            max_response: 7MiB
            stream_options: false
            abort_on_disconnect: false
          filed: {dialect: openai, url: "http://127.0.0.1:1", api_key_file: key.txt}
          mock:
            dialect: mock
            mock:
              reply: some words of ours
              tokens: 5
              latency: 1ms
              time_to_first_token: 2ms
              interval: 3ms
              status: [429*2, 503, "200*3"]
              retry_after: 4s
              fail_after: 6
        models:
          a:b/c:
            backend: full
            model: up
            params:
              temperature: 0.70
              stop: ["a", null]
          plain: {backend: mock}
        routes:
          /v1/chat: {model: a:b/c, output: text, max_concurrency: 7, max_batch: 70, allow_config: [tags, run_id]}
        """

    private static let params = [
        ModelParameter(name: "temperature", json: "0.70"), ModelParameter(name: "stop", json: "[\"a\",null]"),
    ]

    private static var fullMock: MockSettings {
        var mock = MockSettings()
        mock.reply = .text("some words of ours")
        mock.tokens = 5
        mock.latency = .milliseconds(1)
        mock.timeToFirstToken = .milliseconds(2)
        mock.interval = .milliseconds(3)
        mock.status = [.init(status: 429, count: 2), .init(status: 503), .init(status: 200, count: 3)]
        mock.retryAfter = .seconds(4)
        mock.failAfter = 6
        return mock
    }

    private static func fullBackend(_ folder: String) -> BackendSettings {
        let url = UpstreamURL(scheme: .https, host: "example.org", port: 8443, path: "/v1")
        var backend = BackendSettings(name: "full", dialect: .openai, url: url)
        backend.apiKey = Secret("sk-env")
        backend.headers = [
            HeaderSetting(name: "X-Plain", value: "a b", isSecret: false),
            HeaderSetting(name: "X-Api-Key", value: "k1", isSecret: true),
            HeaderSetting(name: "X-Env", value: "a b", isSecret: true),
        ]
        backend.organization = "org-1"
        backend.project = "proj_2"
        backend.caFile = "\(folder)/ca.pem"
        backend.serverName = "inner.example"
        backend.clientCertificate = CertificateFiles(certificate: "\(folder)/cert.pem", key: "\(folder)/key.pem")
        backend.maxConnections = 20
        backend.maxIdleConnections = 20  // never more than there are connections
        backend.idleTimeout = .seconds(40)
        backend.maxPending = 50
        backend.queueTimeout = .seconds(60)
        backend.timeouts.connect = .seconds(1)
        backend.timeouts.tls = .seconds(2)
        backend.timeouts.head = .seconds(3)
        backend.timeouts.firstToken = .seconds(4)
        backend.timeouts.idle = .seconds(5)
        backend.timeouts.total = .seconds(6)
        backend.maxResponse = 7 << 20
        backend.streamOptions = false
        backend.abortOnDisconnect = false
        return backend
    }

    /// What stands on line 4, after ``minimal``, and what it is told.
    @Test(arguments: [
        ("sever: {}", "sever: no such key; did you mean \"server\"?"),
        (
            "plugins: []",
            "plugins: no such key; expected one of listen, loops, server, handover, log, admin, metrics, tracing, backends, models, routes"
        ),
        ("port: 80", "port: no such key; did you mean \"listen\"?"),
        ("loops: 0", "loops: expected auto or a whole number from 1 to 64, found 0"),
        ("loops: 65", "loops: expected auto or a whole number from 1 to 64, found 65"),
        ("loops: fast", "loops: expected auto or a whole number from 1 to 64, found \"fast\""),
        ("loops:", "loops: expected auto or a whole number from 1 to 64, found nothing"),
        ("loops: [2]", "loops: expected auto or a whole number from 1 to 64, found a list"),
        ("listen: []", "listen: expected at least one address"),
        ("server: 5", "server: expected a mapping, found 5"),
        ("server: [a]", "server: expected a mapping, found a list"),
        (
            "server: {max_body: 3 MB}",
            "server.max_body: expected a size such as 8KiB, 32MiB, 1MB or a number of bytes, found \"3 MB\"; the units are B, KB, MB, GB, KiB, MiB and GiB"
        ),
        (
            "server: {max_body: big}",
            "server.max_body: expected a size such as 8KiB, 32MiB, 1MB or a number of bytes, found \"big\""
        ),
        ("server: {max_body: 1}", "server.max_body: expected a size from 1KiB to 1GiB, found 1"),
        (
            "server: {max_body: true}",
            "server.max_body: expected a size such as 8KiB, 32MiB, 1MB or a number of bytes, found true"
        ),
        (
            "server: {idle_timeout: 10}",
            "server.idle_timeout: expected a duration such as 500ms, 10s, 2m or 1h, found 10; add the unit: 10s or 10ms"
        ),
        (
            "server: {idle_timeout: soon}",
            "server.idle_timeout: expected a duration such as 500ms, 10s, 2m or 1h, found \"soon\""
        ),
        (
            "server: {idle_timeout: 2d}",
            "server.idle_timeout: expected a duration such as 500ms, 10s, 2m or 1h, found \"2d\""
        ),
        ("server: {idle_timeout: 0s}", "server.idle_timeout: expected a duration from 100ms to 24h, found \"0s\""),
        (
            "server: {max_connections: \"5\"}",
            "server.max_connections: expected a whole number from 1 to 1000000, found \"5\"; drop the quotes"
        ),
        (
            "server: {max_connections: 1e3}",
            "server.max_connections: expected a whole number from 1 to 1000000, found 1e3"
        ),
        (
            "server: {max_connections: 010}",
            "server.max_connections: expected a whole number from 1 to 1000000, found 010"
        ),
        (
            "server: {max_connections: -1}",
            "server.max_connections: expected a whole number from 1 to 1000000, found -1"
        ),
        (
            "server: {max_connections: 99999999999999999999}",
            "server.max_connections: expected a whole number from 1 to 1000000, found 99999999999999999999"
        ),
        (
            "log: {level: warn}",
            "log.level: expected one of trace, debug, info, notice, warning, error, critical, found \"warn\"; did you mean \"warning\"?"
        ),
        (
            "log: {level: INFO}",
            "log.level: expected one of trace, debug, info, notice, warning, error, critical, found \"INFO\"; did you mean \"info\"?"
        ),
        ("log: {access: yes}", "log.access: expected true or false, found \"yes\""),
        ("log: {access: \"true\"}", "log.access: expected true or false, found \"true\""),
        ("listen: {address: 127.0.0.1:1, mode: 0600}", "listen.mode: only Unix sockets have permissions"),
        (
            "listen: {address: \"unix:/a\", mode: rw}",
            "listen.mode: expected permissions in octal, such as 0660, found \"rw\""
        ),
        (
            "listen: {address: \"unix:/a\", mode: 0999}",
            "listen.mode: expected permissions in octal, such as 0660, found 0999"
        ),
        (
            "listen: {certificate: /none, key: /none}",
            "listen.certificate: expected the path of a readable file, found \"/none\"; No such file or directory"
        ),
        (
            "listen: {address: 127.0.0.1:1, key: /etc/hostname}",
            "listen.certificate: is missing; certificate and key belong together"
        ),
        (
            "listen: {address: 127.0.0.1:1, certificate: /tmp}",
            "listen.certificate: expected the path of a readable file, found \"/tmp\"; Is a directory"
        ),
    ])
    func explains(_ line: String, _ expected: String) {
        #expect(mistakes(minimal + line).contains("headgate.yaml:4: \(expected)"))
    }

    @Test(arguments: [
        ("listen: \"unix:/s\"\nhandover: {socket: /s}", "5: handover.socket: is the same socket as listen"),
        ("listen: \"unix:/s\"\nadmin: {socket: /s}", "5: admin.socket: is the same socket as listen"),
        ("handover: {socket: /s}\nadmin: {socket: /s}", "5: admin.socket: is the same socket as handover.socket"),
    ])
    func `sockets have paths of their own`(lines: String, expected: String) {
        #expect(mistakes(minimal + lines) == ["headgate.yaml:\(expected)"])
    }

    @Test(
        "keys in wrong places are not shown",
        arguments: [
            "backends: {b: {dialect: openai, url: \"https://h\", headers: \"Authorization: Bearer sk-canary\"}}",
            "backends: {b: {dialect: openai, url: \"https://h\", api_key_file: sk-canary}}",
            "backends: {b: {dialect: openai, url: \"https://h\", api_key_file: \"sk canary /x\"}}",
            "tracing: {headers: \"authorization=Bearer sk-canary\"}",
            "listen: {address: \"127.0.0.1:1\", certificate: /c.pem, key: \"-----BEGIN PRIVATE KEY-----\\nsk-canary/\"}",
        ]
    )
    func keysInWrongPlaces(line: String) {
        let told = mistakes("models: {}\n" + line)
        #expect(!told.isEmpty)
        #expect(!told.contains { $0.contains("canary") }, "\(told)")
    }

    @Test func `reports files it cannot read`() throws {
        try withFolder { folder in
            func message(_ file: String) -> String {
                switch ConfigurationLoader.load(file: file, environment: [:]) {
                case .success: "loaded"
                case .failure(let failure): failure.description.replacing(folder.path, with: "")
                }
            }
            #expect(message("\(folder.path)/none.yaml") == "/none.yaml: cannot be read: No such file or directory")
            #expect(message(folder.path) == ": cannot be read: Is a directory")
            #expect(message("/dev/null") == "/dev/null: cannot be read: Not a regular file")
            let binary = folder.appendingPathComponent("binary")
            try Data("a: b\nc: ".utf8 + [0xff, 0xfe]).write(to: binary)
            #expect(message(binary.path) == "/binary:2: cannot be read: not UTF-8 text")
            try Data("a: \0".utf8).write(to: binary)
            #expect(message(binary.path) == "/binary:1: cannot be read: not UTF-8 text")
            try Data(repeating: 0x20, count: 1 << 20 + 1).write(to: binary)
            #expect(message(binary.path) == "/binary: cannot be read: Larger than 1MiB")
        }
    }

    @Test func `treats a section without lines as empty`() throws {
        let text = "server:\n  # nothing\nlog:\n" + minimal
        #expect(try configuration(text).server == ServerSettings())
    }

    @Test func `resolves timeouts from the route to the default`() throws {
        let loaded = try configuration(
            """
            backends: {mock: {dialect: mock, timeouts: {head: 1s, idle: 2s, total: 3s, connect: 4s}}}
            models: {demo: {backend: mock, timeouts: {idle: 20s, total: 30s}}}
            routes: {/: {model: demo, timeouts: {total: 300s}}, /b: {model: demo, timeouts: {connect: 7s, tls: 8s}}}
            """
        )
        let first = loaded.effectiveTimeouts(route: try #require(loaded.route("/")))
        #expect(first.connect == .seconds(4))
        #expect(first.tls == .seconds(5))
        #expect(first.head == .seconds(1))
        #expect(first.firstToken == .seconds(60))
        #expect(first.idle == .seconds(20))
        #expect(first.total == .seconds(300))
        let second = loaded.effectiveTimeouts(route: try #require(loaded.route("/b")))
        #expect(second.total == .seconds(30))
        #expect(second.connect == .seconds(7))
        #expect(second.tls == .seconds(8))
        #expect(Configuration().effectiveTimeouts(route: RouteSettings(path: "/", model: "x")) == TimeoutSettings())
    }
}
