import Glibc
import Runnable
import TestAuthority
import Testing

/// TLS on both sides.
@Suite(.blocking, .timeLimit(.minutes(1)))
struct SecureTests {
    let authority: TestAuthority

    init() throws { authority = try .make() }

    private func configuration(_ identity: TestAuthority.Identity) -> String {
        """
        listen: {address: "127.0.0.1:0", certificate: "\(identity.certificateFile)", key: "\(identity.keyFile)"}
        \(EndpointTests.configuration)
        """
    }

    private func url(_ daemon: Daemon, _ path: String) -> String { "https://localhost:\(daemon.port)\(path)" }

    private func resolve(_ daemon: Daemon) -> String { "localhost:\(daemon.port):127.0.0.1" }

    @Test(arguments: ["1.2", "1.3"])
    func `curl verifies and uses the listener`(version: String) throws {
        let daemon = try Daemon(configuration(authority.issue()), listen: nil)
        let flags = [
            "--cacert", authority.caFile, "--resolve", resolve(daemon), "--tlsv\(version)", "--tls-max", version,
        ]
        func ask(_ arguments: String...) throws -> String {
            let result = try Subprocess.run("curl", ["-sS", "--max-time", "30"] + flags + arguments)
            #expect(result.ending == .exited(0), "\(result.stderr)")
            return result.stdout
        }
        #expect(try Value(parsing: ask(url(daemon, "/invoke"), "-d", #"{"input":"a"}"#))["output"] == "the river keeps")
        #expect(
            try ask("-N", url(daemon, "/stream"), "-H", "Accept: text/plain", "-d", #"{"input":"a"}"#)
                == "the river keeps"
        )
        let stranger = try curl("--resolve", resolve(daemon), url(daemon, "/health"))
        #expect(stranger.ending == .exited(60))
        #expect(try Value(parsing: ask(url(daemon, "/health")))["status"] == "ok")
    }

    @Test func `plain HTTP on a TLS port harms nobody`() throws {
        let daemon = try Daemon(configuration(authority.issue()), listen: nil)
        let plain = try daemon.connect()
        try plain.get("/health")
        #expect(try plain.isClosed())
        let result = try curl("--cacert", authority.caFile, "--resolve", resolve(daemon), url(daemon, "/health"))
        #expect(result.ending == .exited(0))
    }

    @Test func `SIGHUP reads the certificates again, also when only they changed`() throws {
        let first = try authority.issue()
        let second = try authority.issue()
        let daemon = try Daemon(configuration(first), listen: nil)
        let before = try serial(daemon)
        try replace(first.certificateFile, with: second.certificateFile)
        try replace(first.keyFile, with: second.keyFile)
        daemon.process.signal(SIGHUP)
        try eventually("not reloaded: \(daemon.process.stderr)") { !daemon.logged("configuration reloaded").isEmpty }
        let after = try serial(daemon)
        #expect(before != after)

        // A certificate that cannot be used leaves the old one in force.
        try authority.write(Array("nonsense".utf8), to: first.certificateFile)
        daemon.process.signal(SIGHUP)
        try eventually("nothing logged") { !daemon.logged("configuration not reloaded").isEmpty }
        #expect(try serial(daemon) == after)
        #expect(try daemon.stop() == .exited(0))
    }

    private func replace(_ file: String, with other: String) throws {
        try authority.write(contents(of: other), to: file)
    }

    private func serial(_ daemon: Daemon) throws -> String {
        let result = try curl(
            "--cacert",
            authority.caFile,
            "--resolve",
            resolve(daemon),
            url(daemon, "/health"),
            "-o",
            "/dev/null",
            "-w",
            "%{certs}"
        )
        #expect(result.ending == .exited(0), "\(result.stderr)")
        let line = result.stdout.split(separator: "\n").first { $0.contains("erial") }
        return try String(#require(line, "no serial in \(result.stdout)"))
    }

    // MARK: Upstreams

    /// A gateway whose listener is TLS is the upstream: it speaks no OpenAI, but it answers 404 when it was reached.
    private func status(trusting caFile: String?, host: String, identity: TestAuthority.Identity) throws -> (
        Int, String
    ) {
        let upstream = try Daemon(configuration(identity), listen: nil)
        let trust = caFile.map { ", ca_file: \"\($0)\"" } ?? ""
        let daemon = try Daemon(
            """
            backends: {up: {dialect: openai, url: "https://\(host):\(upstream.port)/v1"\(trust)}}
            models: {demo: {backend: up, model: m}}
            routes: {/: {model: demo, output: text}}
            """
        )
        let reply = try daemon.post("/invoke", #"{"input":"a"}"#)
        let code = try Value(parsing: reply.text)["error"]?["code"]?.string ?? "\(reply.text)"
        // Words for operators, and no names of our own.
        let detail = try daemon.accessLines(1)[0]["detail"]?.string ?? ""
        #expect(!detail.contains("failed("), "\(detail)")
        try upstream.stop()  // writes what is left of its log
        return (upstream.logged("request").count, code)
    }

    @Test func `an upstream with our authority's certificate is reached`() throws {
        let identity = try authority.issue(ip: ["127.0.0.1"])
        let (requests, code) = try status(trusting: authority.caFile, host: "127.0.0.1", identity: identity)
        #expect(requests == 1, "\(code)")
        #expect(code != "upstream_tls")
        let byName = try status(trusting: authority.caFile, host: "localhost", identity: identity)
        #expect(byName.0 == 1, "\(byName)")
    }

    @Test func `an upstream that is not who it says gets no request`() throws {
        let good = try authority.issue(ip: ["127.0.0.1"])
        let stranger = try TestAuthority.make()
        for (caFile, host, identity) in [
            (stranger.caFile, "127.0.0.1", good),  // untrusted
            (authority.caFile, "127.0.0.1", try authority.issue(name: "elsewhere.example")),  // another name
            // expired
            (authority.caFile, "127.0.0.1", try authority.issue(ip: ["127.0.0.1"], notAfter: .seconds(-60))),
        ] {
            let (requests, code) = try status(trusting: caFile, host: host, identity: identity)
            #expect(requests == 0)
            #expect(code == "upstream_tls")
        }
    }
}
