import CLibevent
import Glibc
import Testing

@testable import EventLoop

@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1:8080", SocketAddress.ipv4(0x7F00_0001, port: 8080)),
        ("0.0.0.0:0", .ipv4(0, port: 0)),
        ("255.255.255.255:65535", .ipv4(0xFFFF_FFFF, port: 65535)),
        ("[::1]:80", .ipv6(high: 0, low: 1, port: 80, scope: 0)),
        ("[2001:db8::1:2]:443", .ipv6(high: 0x2001_0DB8_0000_0000, low: 0x1_0002, port: 443, scope: 0)),
        ("unix:/run/a b.sock", .unix(path: "/run/a b.sock")),
        ("unix:relative", .unix(path: "relative")),
    ])
    func addressesSurviveReadingAndWriting(text: String, address: SocketAddress) {
        #expect(SocketAddress(parsing: text) == address)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1:8 ",
        "127.0.0.1: 8", "127.0.0.1:٣", "127.1:80", "127.0.0.256:80", "127.0.0.01:80", "0x7f.0.0.1:80", " 127.0.0.1:80",
        "127.0.0.1\0x:80", "::1:80", "[::1]", "[::1]80", "[::1:80", "::1]:80", "[127.0.0.1]:80", "[]:80", "[::g]:80",
        "[fe80::1%lo]:80", "localhost:80", "example.org:80", "unix:", "unix:a\0b", "UNIX:/a",
    ])
    func whatIsNoAddressIsNone(text: String) {
        #expect(SocketAddress(parsing: text) == nil)
    }

    @Test func pathsHaveALongestLength() {
        let longest = "/" + String(repeating: "a", count: SocketAddress.longestPath - 1)
        #expect(SocketAddress(parsing: "unix:" + longest) == .unix(path: longest))
        #expect(SocketAddress(parsing: "unix:" + longest + "a") == nil)
        #expect(throws: LoopError.self) {
            try Socket.listen(on: .unix(path: String(repeating: "a", count: 200)), sharing: .none, backlog: 1)
        }
        #expect(throws: LoopError.self) {
            try Socket.listen(on: .unix(path: longest + "a"), sharing: .none, backlog: 1)
        }
    }

    @Test(arguments: [
        "127.0.0.1:1", "[2001:db8::ff]:65535", "unix:/run/x", "unix:" + String(repeating: "p", count: 107), "0.0.0.0:0",
    ])
    func theKernelsFormSaysTheSame(text: String) throws {
        let address = try #require(SocketAddress(parsing: text))
        let back = address.withSockaddr { pointer, length in
            var storage = sockaddr_storage()
            memcpy(&storage, pointer, Int(length))
            return SocketAddress(storage, length: length)
        }
        #expect(back == address)
    }

    @Test func otherFamiliesAreNone() {
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(AF_NETLINK)
        #expect(SocketAddress(storage, length: 16) == nil)
        storage.ss_family = sa_family_t(AF_UNIX)
        #expect(SocketAddress(storage, length: 2) == .unix(path: ""))
        #expect(SocketAddress(storage, length: 0) == .unix(path: ""))
    }

    @Test(arguments: [
        ("127.0.0.1:1", true), ("127.255.255.254:1", true), ("128.0.0.1:1", false), ("0.0.0.0:1", false),
        ("[::1]:1", true), ("[::2]:1", false), ("[::]:1", false), ("[::ffff:127.0.0.1]:1", true),
        ("[::ffff:10.0.0.1]:1", false), ("unix:/x", true),
    ])
    func loopbackIsWhatNobodyElseReaches(text: String, expected: Bool) throws {
        #expect(try #require(SocketAddress(parsing: text)).isLoopback == expected)
    }

    @Test func portsCanBeChanged() throws {
        #expect(SocketAddress.ipv4(1, port: 2).withPort(3) == .ipv4(1, port: 3))
        let six = try #require(SocketAddress(host: "::1", port: 5))
        #expect(six.withPort(6).port == 6 && six.host == "::1")
        let unix = SocketAddress.unix(path: "/x")
        #expect(unix.withPort(6) == unix && unix.port == nil && unix.host == "/x")
    }
}
