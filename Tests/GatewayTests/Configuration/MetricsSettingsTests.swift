import Testing

@testable import Gateway

@Suite struct MetricsSettingsTests {
    @Test func `defaults`() throws {
        let settings = try configuration(minimal).metrics
        #expect(settings == MetricsSettings())
        #expect(settings.sharedPath == "/metrics")
        #expect(settings.ownPath == nil)
    }

    @Test func `an address of its own`() throws {
        let settings = try configuration(minimal + "metrics: {listen: 127.0.0.1:9464, path: /m, max_names: 7}").metrics
        #expect(settings.sharedPath == nil)
        #expect(settings.ownPath == "/m")
        #expect(settings.listen == .ipv4(host: "127.0.0.1", port: 9464))
        #expect(settings.maxNames == 7)
        let off = try configuration(minimal + "metrics: {listen: 127.0.0.1:9464, enabled: false}").metrics
        #expect(off.ownPath == nil && off.sharedPath == nil)
    }

    @Test(arguments: [
        ("path: metrics", "headgate.yaml:4: metrics.path: expected a path that begins with /"),
        ("path: /health", "headgate.yaml:4: metrics.path: this path belongs to the daemon itself"),
        ("path: /", "headgate.yaml:4: metrics.path: the list of routes is at /"),
        (
            "path: /invoke",
            "headgate.yaml:4: metrics.path: /invoke is both where metrics are and the endpoint invoke of the route /; "
                + "set metrics.path to another path, or metrics.listen"
        ),
        (
            "path: /playground/x",
            "headgate.yaml:4: metrics.path: /playground/x is both where metrics are and the endpoint playground of the "
                + "route /; set metrics.path to another path, or metrics.listen"
        ),
        ("listen: 127.0.0.1:8080", "headgate.yaml:4: metrics.listen: the same address as listen[0]"),
        ("listen: 127.0.0.1:8080, enabled: false", "headgate.yaml:4: metrics.listen: the same address as listen[0]"),
        ("max_names: 0", "headgate.yaml:4: metrics.max_names: expected a whole number from 1 to 100000, found 0"),
        ("pth: /x", "headgate.yaml:4: metrics.pth: no such key; did you mean \"path\"?"),
    ])
    func `mistakes are named`(text: String, mistake: String) {
        #expect(mistakes(minimal + "metrics: {\(text)}") == [mistake])
    }

    @Test func `a route where metrics are by default is told what to do`() {
        let text = """
            backends: {mock: {dialect: mock}}
            models: {demo: {backend: mock}}
            routes:
              /metrics: {model: demo}
            """
        let hint = "set metrics.path to another path, or metrics.listen"
        #expect(
            mistakes(text) == [
                "headgate.yaml:4: routes./metrics: /metrics is both a route and where metrics are; \(hint)"
            ]
        )
        for way in ["metrics: {path: /m}", "metrics: {enabled: false}", "metrics: {listen: 127.0.0.1:9464}"] {
            #expect(mistakes(text + "\n" + way) == [])
        }
    }

    @Test(arguments: [
        (
            "listen: 0.0.0.0:80",
            ["metrics: /metrics can be asked for by whoever can connect to 0.0.0.0:80; set metrics.listen"]
        ),
        ("listen: 0.0.0.0:80\nmetrics: {listen: 127.0.0.1:9464}", []),
        ("listen: 0.0.0.0:80\nmetrics: {enabled: false}", []),
        (
            "metrics: {listen: 0.0.0.0:9464}",
            ["metrics.listen: metrics can be read at 0.0.0.0:9464 from other machines, without TLS or a key"]
        ),
        ("metrics: {listen: 0.0.0.0:9464, enabled: false}", []),
    ])
    func `who may ask`(text: String, warnings: [String]) throws {
        let loaded = try configuration(minimal + text)
        let found = loaded.warnings.filter { $0.key.hasPrefix("metrics") }.map { "\($0.key): \($0.message)" }
        #expect(found == warnings)
    }
}
