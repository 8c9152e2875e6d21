import Testing

@testable import Gateway

@Suite struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:8080", ListenAddress.ipv4(host: "127.0.0.1", port: 8080), true),
        ("127.9.9.9:0", .ipv4(host: "127.9.9.9", port: 0), true),
        ("0.0.0.0:65535", .ipv4(host: "0.0.0.0", port: 65535), false),
        ("[::1]:80", .ipv6(host: "::1", port: 80), true),
        ("[::]:80", .ipv6(host: "::", port: 80), false),
        ("[::ffff:127.0.0.1]:80", .ipv6(host: "::ffff:127.0.0.1", port: 80), true),
        ("[fe80::1]:80", .ipv6(host: "fe80::1", port: 80), false),
        ("unix:/run/headgate/a.sock", .unix(path: "/run/headgate/a.sock"), true),
    ])
    func reads(_ text: String, _ expected: ListenAddress, isLoopback: Bool) throws {
        let loaded = try configuration(minimal + "listen: \"\(text)\"")
        #expect(loaded.listen == [ListenerSettings(address: expected)])
        #expect(expected.description == text)
        #expect(expected.isLoopback == isLoopback)
        #expect(loaded.warnings.isEmpty == isLoopback)
    }

    private static let expected = "an address such as 127.0.0.1:8080, [::1]:8080 or unix:/run/headgate/headgate.sock"

    @Test(arguments: [
        (
            ":8080",
            "\":8080\"; say which addresses: 127.0.0.1:8080 for this machine only, 0.0.0.0:8080 or [::]:8080 for all"
        ),
        ("*:80", "\"*:80\"; say which addresses: 127.0.0.1:80 for this machine only, 0.0.0.0:80 or [::]:80 for all"),
        ("localhost:80", "\"localhost:80\"; localhost can be two addresses: write 127.0.0.1:80 or [::1]:80"),
        ("example.org:80", "\"example.org:80\"; a host name is no address to listen on"),
        ("127.0.0.1", "\"127.0.0.1\""),
        ("[::1]", "\"[::1]\""),
        ("127.0.0.1:", "\"127.0.0.1:\""),
        ("::1:80", "\"::1:80\"; write IPv6 in brackets: [::1]:8080"),
        ("::1", "\"::1\"; write IPv6 in brackets: [::1]:8080"),
        ("fe80::abcd", "\"fe80::abcd\"; write IPv6 in brackets, with a port"),
        ("127.0.0.1:65536", "\"127.0.0.1:65536\"; the port is a number from 0 to 65535"),
        ("127.0.0.1:http", "\"127.0.0.1:http\"; the port is a number from 0 to 65535"),
        ("127.1:80", "\"127.1:80\"; a host name is no address to listen on"),
        ("[::g]:80", "\"[::g]:80\""),
        ("[fe80::1%eth0]:80", "\"[fe80::1%eth0]:80\""),
        ("", "an empty text"),
    ])
    func refuses(_ text: String, _ found: String) {
        #expect(
            mistakes(minimal + "listen: \"\(text)\"") == [
                "headgate.yaml:4: listen: expected \(Self.expected), found \(found)"
            ]
        )
    }

    @Test func `refuses unusable socket paths`() {
        let long = String(repeating: "x", count: 110)
        let text = minimal + "listen:\n  - unix:relative\n  - unix:\n  - unix:/\(long)\n"
        #expect(
            mistakes(text) == [
                "headgate.yaml:5: listen[0]: expected an absolute path after unix:, found \"unix:relative\"",
                "headgate.yaml:6: listen[1].unix: no such key; expected one of address, certificate, key, mode",
                "headgate.yaml:6: listen[1].address: is required: address",
                "headgate.yaml:7: listen[2]: expected at most 107 bytes of path after unix:, "
                    + "found \"unix:/\(long.prefix(54))…\"",
            ]
        )
    }

    @Test func `overrides what the file says`() throws {
        let base = try configuration(minimal + "listen: 0.0.0.0:80")
        #expect(base.warnings.map(\.key) == ["listen", "metrics"])
        let local = try base.overriding(listen: ["127.0.0.1:0", "unix:/tmp/a"]).get()
        #expect(local.listen.map(\.address.description) == ["127.0.0.1:0", "unix:/tmp/a"])
        #expect(local.warnings.isEmpty)
        #expect(try base.overriding(listen: []).get() == base)
        let open = try base.overriding(listen: ["[::]:80"]).get()
        #expect(
            open.warnings.map(\.description) == [
                "--listen: [::]:80 can be reached from other machines without TLS; "
                    + "add certificate and key, or listen on 127.0.0.1",
                "--listen: /metrics can be asked for by whoever can connect to [::]:80; set metrics.listen",
            ]
        )
        let failure = #expect(throws: ConfigurationErrors.self) {
            try base.overriding(listen: ["8080", "127.0.0.1:1", "127.0.0.1:1"]).get()
        }
        #expect(
            failure?.errors.map(\.description) == [
                "--listen: expected \(Self.expected), found 8080; say which addresses: 127.0.0.1:8080 for this machine "
                    + "only, 0.0.0.0:8080 or [::]:8080 for all",
                "--listen: 127.0.0.1:1 is given twice",
            ]
        )
    }
}
