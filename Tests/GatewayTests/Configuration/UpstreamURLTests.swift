import Testing

@testable import Gateway

@Suite struct UpstreamURLTests {
    @Test(arguments: [
        ("https://api.openai.com/v1", UpstreamURL(scheme: .https, host: "api.openai.com", path: "/v1"), false),
        ("https://api.openai.com", UpstreamURL(scheme: .https, host: "api.openai.com"), false),
        ("HTTP://Local_Host-1:80/", UpstreamURL(scheme: .http, host: "local_host-1"), false),
        ("http://127.0.0.1:18080/v1/", UpstreamURL(scheme: .http, host: "127.0.0.1", port: 18080, path: "/v1"), true),
        ("http://[::1]:11434/v1", UpstreamURL(scheme: .http, host: "::1", port: 11434, path: "/v1"), true),
        ("http://localhost/a/b%20c", UpstreamURL(scheme: .http, host: "localhost", path: "/a/b%20c"), true),
        ("https://10.0.0.1:443/v1", UpstreamURL(scheme: .https, host: "10.0.0.1", path: "/v1"), false),
        ("https://example.org./v1", UpstreamURL(scheme: .https, host: "example.org.", path: "/v1"), false),
        ("http://127.example.org", UpstreamURL(scheme: .http, host: "127.example.org"), false),
    ])
    func reads(_ text: String, _ expected: UpstreamURL, isLoopback: Bool) throws {
        let url = try UpstreamURL.parse(text).get()
        #expect(url == expected)
        #expect(url.isLoopback == isLoopback)
        #expect(try UpstreamURL.parse(url.description).get() == url)
    }

    @Test func `prints no default port and brackets IPv6`() {
        #expect(UpstreamURL(scheme: .https, host: "a", port: 443, path: "/v1").description == "https://a/v1")
        #expect(UpstreamURL(scheme: .http, host: "a", port: 443).description == "http://a:443")
        #expect(UpstreamURL(scheme: .http, host: "::1", port: 8000).authority == "[::1]:8000")
        #expect(UpstreamURL(scheme: .http, host: "::1").authority == "[::1]")
    }

    @Test(arguments: [
        ("", nil), ("api.openai.com/v1", "begin with http:// or https://"), ("ftp://host/", nil),
        ("//host/v1", "begin with http:// or https://"), ("http://", "the host or the port is not valid"),
        ("http:///v1", "the host or the port is not valid"), ("http://host:0/", "the host or the port is not valid"),
        ("http://host:70000/", "the host or the port is not valid"),
        ("http://host:/", "the host or the port is not valid"), ("http://-a/", "the host or the port is not valid"),
        ("http://a..b/", "the host or the port is not valid"), ("http://1.2.3/", "the host or the port is not valid"),
        ("http://::1/", "the host or the port is not valid"), ("http://[::z]/", "the host or the port is not valid"),
        ("http://a_$/", "the host or the port is not valid"), ("http://h/a//b", "the path is not valid"),
        ("http://h/../b", "the path is not valid"), ("http://h/%zz", "the path is not valid"),
        ("http://h/a b", "a URL has no blanks and only ASCII characters"),
        ("http://hé/", "a URL has no blanks and only ASCII characters"),
        ("https://h/v1/chat/completions", "leave out /chat/completions, it is added"),
        ("https://u:p@h/", "a URL carries no user name or password here; use api_key or headers"),
        ("https://h/v1?key=x", "a base URL has no query and no fragment"),
        ("https://h/v1#x", "a base URL has no query and no fragment"),
    ])
    func refuses(_ text: String, _ hint: String?) {
        let failure = #expect(throws: Mismatch.self) { try UpstreamURL.parse(text).get() }
        #expect(failure?.hint == hint)
    }
}
