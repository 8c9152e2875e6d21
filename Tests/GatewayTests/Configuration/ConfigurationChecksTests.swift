import Foundation
import Testing

@testable import Gateway

@Suite struct ConfigurationChecksTests {
    /// A backend called `b` on line 1, and what it is told.
    @Test(arguments: [
        ("dialect: opnai", ["dialect: expected one of openai, mock, found \"opnai\"; did you mean \"openai\"?"]),
        ("url: \"http://h\"", ["dialect: is required: openai, mock"]),
        ("dialect: openai", ["url: is missing; expected the base URL that the dialect openai is spoken at"]),
        (
            "dialect: mock, url: \"http://h\", max_pending: 3",
            [
                "url: has no meaning for the dialect mock", "max_pending: has no meaning for the dialect mock",
            ]
        ),
        ("dialect: openai, url: \"http://h\", mock: {}", ["mock: only has a meaning for the dialect mock"]),
        ("dialect: openai, base_url: x, url: \"http://h\"", ["base_url: no such key; did you mean \"url\"?"]),
        (
            "dialect: openai, url: \"http://h\", tls_verify: false",
            [
                "tls_verify: upstream certificates are always verified; trust your own authority with ca_file, "
                    + "expect another name with server_name"
            ]
        ),
        ("dialect: openai, url: \"http://h\", server_name: h", ["server_name: has no meaning for an http:// URL"]),
        ("dialect: openai, url: \"https://h\", server_name: a b", ["server_name: expected a host name, found \"a b\""]),
        (
            "dialect: openai, url: \"https://h\", client_certificate: {key: /etc/hostname}",
            [
                "client_certificate.certificate: is required: path of a file"
            ]
        ),
        (
            "dialect: openai, url: \"https://h\", api_key: k, headers: {authorization: x}",
            [
                "headers.authorization: cannot stand beside an API key, which is sent in this field"
            ]
        ),
        (
            "dialect: openai, url: \"https://h\", headers: {Host: x, Content-Length: 1, \"a b\": c, X: [1], Y: , Z: \"a\\tb\"}",
            [
                "headers.Host: this field belongs to the exchange itself and cannot be set",
                "headers.Content-Length: this field belongs to the exchange itself and cannot be set",
                "headers.a b: expected the name of a header field", "headers.X: expected a text, found a list",
                "headers.Y: expected a text, found nothing",
                "headers.Z: expected visible ASCII characters, blanks only between them, found another value (not shown)",
            ]
        ),
        (
            "dialect: openai, url: \"https://h\", organization: true, project: \"a b\"",
            [
                "organization: expected an organization id of visible ASCII characters, found true",
                "project: expected a project id of visible ASCII characters, found \"a b\"",
            ]
        ),
        (
            "dialect: openai, url: \"https://h\", api_key: \"\"",
            [
                "api_key: expected a key of visible ASCII characters, found an empty text"
            ]
        ),
        (
            "dialect: openai, url: \"https://h\", api_key: \"${EMPTY}\"",
            [
                "api_key: expected a key of visible ASCII characters, found \"${EMPTY}\", which is empty"
            ]
        ),
        (
            "dialect: openai, url: \"https://h\", api_key: , ca_file: ''",
            [
                "api_key: expected a key of visible ASCII characters, found nothing",
                "ca_file: expected the path of a file, found an empty text",
            ]
        ),
        (
            "dialect: mock, mock: {status: [200, 429*2, 301, 503*0, 600, x, [500]]}",
            [
                "mock.status[2]: expected a status such as 503 or \"429*2\": 200 or 400 to 599, times 1 to 1000000, found 301",
                "mock.status[3]: expected a status such as 503 or \"429*2\": 200 or 400 to 599, times 1 to 1000000, found \"503*0\"",
                "mock.status[4]: expected a status such as 503 or \"429*2\": 200 or 400 to 599, times 1 to 1000000, found 600",
                "mock.status[5]: expected a status such as 503 or \"429*2\": 200 or 400 to 599, times 1 to 1000000, found \"x\"",
                "mock.status[6]: expected a status such as 503 or \"429*2\": 200 or 400 to 599, times 1 to 1000000, found a list",
            ]
        ),
        ("dialect: mock, timeouts: {conect: 1s}", ["timeouts.conect: no such key; did you mean \"connect\"?"]),
        ("dialect: mock, timeout: 1s", ["timeout: no such key; did you mean \"timeouts\"?"]),
    ])
    func explainsBackend(_ keys: String, _ expected: [String]) {
        let text = "backends: {b: {\(keys)}}\nmodels: {m: {backend: b}}\nroutes: {/: {model: m}}"
        #expect(mistakes(text, environment: ["EMPTY": ""]) == expected.map { "headgate.yaml:1: backends.b.\($0)" })
    }

    @Test func `an empty default makes a key optional`() throws {
        let text = minimal.replacing(
            "mock: {dialect: mock}",
            with: "mock: {dialect: openai, url: \"http://127.0.0.1\", api_key: \"${K:-}\"}"
        )
        #expect(try configuration(text).backends[0].apiKey == nil)
        #expect(try configuration(text, environment: ["K": "k"]).backends[0].apiKey == Secret("k"))
    }

    @Test func `names that nothing has`() {
        let text = """
            backends: {local: {dialect: mock}}
            models:
              a: {backend: loca}
              b: {backend: "${B}"}
              c: {backend: [local]}
              d:
            routes:
              /a: {model: aa, output: txt}
              /b: {}
              "": {model: a}
            """
        #expect(
            mistakes(text, environment: ["B": "CANARY"]) == [
                "headgate.yaml:3: models.a.backend: there is no backend called \"loca\"; did you mean \"local\"?",
                "headgate.yaml:4: models.b.backend: there is no backend called the value of \"${B}\"",
                "headgate.yaml:5: models.c.backend: expected the name of a backend, found a list",
                "headgate.yaml:6: models.d.backend: is required: name of a backend",
                "headgate.yaml:8: routes./a.output: expected one of text, message, found \"txt\"; did you mean \"text\"?",
                "headgate.yaml:8: routes./a.model: there is no model called \"aa\"; did you mean \"a\"?",
                "headgate.yaml:9: routes./b.model: is required: name of a model, unless there is a pipeline",
                "headgate.yaml:10: routes.: expected a path that begins with /",
            ]
        )
    }

    @Test(arguments: ["", "-a", ".a", "a b", "é", "a/b", String(repeating: "x", count: 129)])
    func refusesBackendName(_ name: String) {
        let text = "backends: {\"\(name)\": {dialect: mock}}\n" + minimal.replacing("backends:", with: "#")
        #expect(
            mistakes(text).first?.hasSuffix(
                "expected a name of up to 128 letters, digits and . _ -, beginning with a letter or digit"
            ) == true
        )
    }

    @Test(arguments: [
        ("chat", "expected a path that begins with /"),
        ("/chat/", "expected a path without a slash at its end"),
        ("//chat", "expected a path without //"),
        ("/a//b", "expected a path without //"),
        ("/a/../b", "expected a path without . and .. segments"),
        ("/.", "expected a path without . and .. segments"),
        ("/a%20b", "expected only letters, digits and -._~!$&'()*+,;=:@ between the slashes"),
        ("/a b", "expected only letters, digits and -._~!$&'()*+,;=:@ between the slashes"),
        ("/a?b", "expected only letters, digits and -._~!$&'()*+,;=:@ between the slashes"),
        ("/é", "expected only letters, digits and -._~!$&'()*+,;=:@ between the slashes"),
        ("/health", "this path belongs to the daemon itself"),
        ("/ready", "this path belongs to the daemon itself"),
        ("/" + String(repeating: "x", count: 512), "expected a path of at most 512 bytes"),
    ])
    func refusesPath(_ path: String, _ expected: String) {
        #expect(RouteSettings.problem(withPath: path) == expected)
    }

    @Test(arguments: ["/", "/chat", "/v1/models/a:b@c", "/health/x", "/invoke", "/a.b~c"])
    func acceptsPath(_ path: String) {
        #expect(RouteSettings.problem(withPath: path) == nil)
    }

    @Test(arguments: [
        ("/", "/invoke", "invoke"), ("/a", "/a/invoke", "invoke"), ("/a", "/a/stream_log", "stream_log"),
        ("/a", "/a/c/hash", "c"), ("/a", "/a/playground/x", "playground"), ("/", "/c/x", "c"),
        ("/a", "/ab/invoke", nil), ("/a", "/b/invoke", nil), ("/a", "/a/b", nil), ("/a", "/a/invoke/x", nil),
        ("/a/b", "/a", nil),
    ])
    func findsCollision(_ owner: String, _ other: String, _ expected: String?) {
        #expect(RouteSettings(path: owner, model: "m").endpoint(colliding: other) == expected)
        let text = minimal.replacing("/: {model: demo}", with: "\(owner): {model: demo}, \(other): {model: demo}")
        let message = expected.map {
            "headgate.yaml:3: routes.\(other): is also the endpoint \($0) of the route \(owner)"
        }
        #expect(mistakes(text) == [message].compactMap { $0 })
    }

    @Test(arguments: [
        (
            "allow_config: tags",
            "allow_config: expected a list of configurable, max_concurrency, metadata, recursion_limit, run_id, tags, found \"tags\""
        ),
        (
            "allow_config: [run_name]",
            "allow_config[0]: expected one of configurable, max_concurrency, metadata, recursion_limit, run_id, tags, found \"run_name\""
        ),
        ("max_batch: 0", "max_batch: expected a whole number from 1 to 1000000, found 0"),
    ])
    func explainsRoute(_ keys: String, _ expected: String) {
        let text = minimal.replacing("{model: demo}", with: "{model: demo, \(keys)}")
        #expect(mistakes(text) == ["headgate.yaml:3: routes./.\(expected)"])
    }

    @Test func `what PEM files hold is checked with everything else`() throws {
        try withFolder { folder in
            try folder.write("cert.pem", TestPEM.shared().certificate)
            try folder.write("key.pem", TestPEM.shared().key)
            try folder.write("other.pem", TestPEM.shared().key.replacing("END PRIVATE", with: "END"))
            let text = """
                listen:
                  - {address: "127.0.0.1:1", certificate: key.pem, key: cert.pem}
                  - {address: "127.0.0.1:2", certificate: cert.pem, key: other.pem}
                  - {address: "127.0.0.1:3", certificate: cert.pem, key: key.pem}
                loops: 99
                backends:
                  z:
                    dialect: openai
                    url: "https://x"
                    ca_file: key.pem
                    client_certificate:
                      certificate: headgate.yaml
                      key: missing.pem
                  y:
                    dialect: openai
                    url: "https://x"
                    client_certificate:
                      certificate: headgate.yaml
                      key: key.pem
                models: {m: {backend: z}}
                routes: {/: {model: m}}
                """
            let file = try folder.write("headgate.yaml", text)
            guard case .failure(let failure) = ConfigurationLoader.load(file: file, environment: [:]) else {
                Issue.record("it loads")
                return
            }
            let keys = failure.errors.map { "\($0.line ?? 0) \($0.key)" }
            #expect(
                keys == [
                    "2 listen[0].certificate", "2 listen[0].key", "3 listen[1].key", "5 loops", "10 backends.z.ca_file",
                    "13 backends.z.client_certificate.key", "18 backends.y.client_certificate.certificate",
                ]
            )
            #expect(failure.errors[0].message == "\(folder.path)/key.pem: holds no certificate in PEM form")
        }
    }

    @Test func `warns of what is risky`() throws {
        try withFolder { folder in
            try folder.write("open.key", "sk-1", mode: 0o644)
            try folder.write("closed.key", "sk-2")
            try folder.write("cert.pem", TestPEM.shared().certificate, mode: 0o644)
            try folder.write("private.pem", TestPEM.shared().key, mode: 0o644)
            let text = """
                listen: ["0.0.0.0:80", {address: "0.0.0.0:443", certificate: cert.pem, key: private.pem}]
                backends:
                  a: {dialect: openai, url: "http://10.0.0.1/v1", api_key: sk-3}
                  b: {dialect: openai, url: "http://127.0.0.1/v1", api_key_file: open.key}
                  c: {dialect: openai, url: "https://h/v1", api_key_file: closed.key}
                  d: {dialect: openai, url: "http://h/v1", headers: {X-Api-Key: "${K}"}}
                  e: {dialect: openai, url: "http://h/v1", headers: {X-Plain: x}}
                models: {m: {backend: a}}
                routes: {/: {model: m}}
                """
            let file = try folder.write("headgate.yaml", text, mode: 0o644)
            let loaded = try ConfigurationLoader.load(file: file, environment: ["K": "k"]).get()
            #expect(
                loaded.warnings.map { $0.description.replacing(folder.path, with: "") } == [
                    "/headgate.yaml:4: backends.b.api_key_file: the key file can be read by every user of this machine; chmod 600 it",
                    "/headgate.yaml:1: listen: 0.0.0.0:80 can be reached from other machines without TLS; add certificate and key, or listen on 127.0.0.1",
                    "/headgate.yaml:1: listen: the private key can be read by every user of this machine; chmod 600 it",
                    "/headgate.yaml:3: backends.a.url: the key is sent over plain HTTP to another machine; use https://",
                    "/headgate.yaml:6: backends.d.url: the key is sent over plain HTTP to another machine; use https://",
                    "/headgate.yaml: metrics: /metrics can be asked for by whoever can connect to 0.0.0.0:80; set metrics.listen",
                    "/headgate.yaml:3: backends.a.api_key: this file can be read by every user of this machine; use ${VARIABLE} or api_key_file",
                ]
            )
            let closed = try folder.write("closed.yaml", text)
            let quiet = try ConfigurationLoader.load(file: closed, environment: ["K": "k"]).get()
            #expect(quiet.warnings.count == 6)
        }
    }

    @Test func `reads keys from files`() throws {
        try withFolder { folder in
            func load(_ value: String) -> Result<Configuration, ConfigurationErrors> {
                let text = minimal.replacing(
                    "mock: {dialect: mock}",
                    with: "mock: {dialect: openai, url: \"https://h\", api_key_file: \"\(value)\"}"
                )
                return ConfigurationLoader.load(
                    text: text,
                    name: "f",
                    directory: folder.path,
                    environment: ["CREDENTIALS_DIRECTORY": folder.path]
                )
            }
            for (content, key) in [("k", "k"), ("k\n", "k"), ("k\r\n\n", "k")] {
                try folder.write("key", content)
                #expect(try load("${CREDENTIALS_DIRECTORY}/key").get().backends[0].apiKey == Secret(key))
                #expect(try load("key").get().backends[0].apiKey == Secret(key))
            }
            for content in ["", "\n", "CANARY CANARY", "CANARY\nCANARY", "CANARYé", "\0"] {
                try folder.write("key", content)
                let failure = #expect(throws: ConfigurationErrors.self) { try load("key").get() }
                #expect(
                    failure?.description
                        == "f:1: backends.mock.api_key_file: expected a file with a key of visible ASCII "
                        + "characters, found something else in \"key\""
                )
            }
            let failure = #expect(throws: ConfigurationErrors.self) { try load("${CREDENTIALS_DIRECTORY}/none").get() }
            #expect(
                failure?.description
                    == "f:1: backends.mock.api_key_file: expected the path of a readable file, found the "
                    + "value of \"${CREDENTIALS_DIRECTORY}/none\"; No such file or directory"
            )
        }
    }

    @Test func `refuses two keys`() throws {
        let text = minimal.replacing(
            "mock: {dialect: mock}",
            with: "mock: {dialect: openai, url: \"https://h\", api_key: k, api_key_file: /etc/hostname}"
        )
        #expect(
            mistakes(text).contains(
                "headgate.yaml:1: backends.mock.api_key_file: cannot stand beside api_key; keep one of them"
            )
        )
    }
}
