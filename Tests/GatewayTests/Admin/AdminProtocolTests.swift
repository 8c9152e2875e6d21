import EventLoop
import Foundation
import HTTP
import Runnable
import Testing

@testable import Gateway

/// What goes over the admin socket, apart from the socket.
@Suite struct AdminProtocolTests {
    @Test(arguments: RequestRow.State.allCases)
    func `rows come out as they went in`(state: RequestRow.State) throws {
        let full = RequestRow(
            id: "an \"id\"",
            runID: "r",
            route: "/",
            endpoint: "batch",
            upstream: "b/m",
            state: state,
            age: 5,
            firstToken: 3,
            tokens: 7,
            calls: 4,
            activeCalls: 2,
            items: 9,
            pendingBytes: 11,
            client: "[::1]:1"
        )
        var bare = full
        bare.upstream = nil
        bare.firstToken = nil
        bare.items = nil
        for row in [full, bare] {
            #expect(RequestRow(try Value(parsing: row.json.jsonText)) == row)
        }
        #expect(full.json["tokens_per_second"] == 3000.0)
        #expect(bare.json["tokens_per_second"]?.isNull == true)
        #expect(RequestRow(["id": "a"]) == nil)
    }

    @Test func `the rate is of the tokens behind the first, and falls while nothing comes`() {
        var row = RequestRow(
            id: "r",
            runID: "r",
            route: "/",
            endpoint: "stream",
            state: .streaming,
            age: 100,
            tokens: 0,
            calls: 1,
            activeCalls: 1,
            pendingBytes: 0,
            client: "unix"
        )
        #expect(row.tokensPerSecond == nil)
        row.firstToken = 100
        row.tokens = 1
        #expect(row.tokensPerSecond == nil)
        row.age = 5000
        #expect(row.tokensPerSecond == nil)
        // A token each 30 ms, the first of them 100 ms after the request.
        (row.age, row.tokens) = (130, 2)
        #expect(row.tokensPerSecond.map { ($0 * 10).rounded() } == 333)
        (row.age, row.tokens) = (100 + 30 * 21, 22)
        #expect(row.tokensPerSecond.map { ($0 * 10).rounded() } == 333)
        // The client does not read for as long as it took so far, and then does again.
        row.state = .blockedOnClient
        row.age += 30 * 21
        #expect(row.tokensPerSecond.map { ($0 * 10).rounded() } == 167)
        row.state = .streaming
        (row.age, row.tokens) = (row.age + 30 * 21, row.tokens + 21)
        #expect(row.tokensPerSecond.map { ($0 * 10).rounded() } == 222)
    }

    @Test(arguments: ["/", "/a&b=c+d", "100 %", "ü\n%41", ""])
    func `values survive a query`(value: String) {
        let target = AdminClient.target("/tail", [("x", "1"), ("route", value)])
        #expect(RequestTarget(checking: target) != nil)
        let query = AdminQuery(target.split(separator: "?").last.map(String.init))
        #expect(query["route"] == value)
        #expect(query["x"] == "1")
        #expect(query["y"] == nil)
    }

    @Test(arguments: [("a=%", "%"), ("a=%zz", "%zz"), ("a=%4", "%4"), ("a", ""), ("a=b=c", "b=c"), ("&&a=1&", "1")])
    func `queries of others`(query: String, value: String) {
        #expect(AdminQuery(query)["a"] == value)
    }

    private func record(_ route: String, _ outcome: AccessRecord.Outcome) -> AccessRecord {
        AccessRecord(
            requestID: .text("id"),
            route: route,
            method: .post,
            endpoint: "invoke",
            status: 200,
            total: .seconds(1),
            outcome: outcome,
            client: .unix(path: "")
        )
    }

    @Test func `filters`() {
        #expect(TailFilter().matches(record("/", .ok)))
        #expect(TailFilter(route: "/a").matches(record("/a", .ok)))
        #expect(!TailFilter(route: "/a").matches(record("/", .ok)))
        #expect(!TailFilter(outcome: .timeout).matches(record("/", .ok)))
        let errors = AccessRecord.Outcome.allCases.filter { TailFilter(isErrorsOnly: true).matches(record("/", $0)) }
        #expect(Set(AccessRecord.Outcome.allCases).subtracting(errors) == [.ok, .clientGone])
    }

    @Test func `the socket's place`() throws {
        var settings = AdminSettings()
        #expect(settings.path(runtimeDirectory: nil) == nil)
        #expect(settings.path(runtimeDirectory: "/run/a:/run/b") == "/run/a/admin.sock")
        settings.socket = .nowhere
        #expect(settings.path(runtimeDirectory: "/run/a") == nil)
        let loaded = try configuration(minimal + "admin: {socket: /run/x/admin.sock, mode: \"0600\", group: adm}\n")
            .admin
        #expect(loaded.path(runtimeDirectory: "/run/a") == "/run/x/admin.sock")
        #expect(loaded.mode == 0o600)
        #expect(loaded.group == "adm")
        #expect(
            mistakes(minimal + "admin: {socket: relative.sock}\n").first?.contains("headgate.yaml:4: admin.socket: ")
                == true
        )
        #expect(mistakes(minimal + "admin: {socket: /\(String(repeating: "x", count: 96))}\n").count == 1)
        #expect(mistakes(minimal + "admin: {sockets: none}\n").first?.contains("did you mean \"socket\"") == true)
    }
}
