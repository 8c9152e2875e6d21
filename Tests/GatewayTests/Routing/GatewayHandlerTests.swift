import Runnable
import Testing

@testable import Gateway

/// What the service answers beside the doors.
@Suite(.timeLimit(.minutes(1)))
struct GatewayHandlerTests {
    @Test("OPTIONS for the server as a whole")
    func serverOptions() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            try await gateway.talk { connection in
                try connection.send(Array("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
                let reply = try connection.reply()
                #expect(reply.status == 204)
                #expect(reply["allow"] == "GET, HEAD, POST")
            }
        }
    }

    @Test("GET and HEAD on /health, /ready and / are a 200", arguments: ["/health", "/ready", "/"])
    func small(path: String) async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let get = try await gateway.send(.get(path))
            #expect(get.status == 200)
            #expect(get["content-type"] == "application/json")
            #expect(get["cache-control"] == "no-store")
            #expect(try get.json.object?.isEmpty == false)
            let head = try await gateway.send(TestRequest(method: "HEAD", path: path))
            #expect(head.status == 200)
            #expect(head.text.isEmpty)
            #expect(head["content-length"].flatMap { Int($0) } == get.bytes.count)
            #expect(try await gateway.send(.get(path + "?x=1")).status == 200)
            let post = try await gateway.post(path, "{}")
            #expect(post.status == 405)
            #expect(post["allow"] == "GET, HEAD")
            #expect(try post.json["detail"] == "Method Not Allowed")
        }
    }

    @Test("the index names every route and endpoint")
    func index() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let json = try await gateway.send(.get("/")).json
            #expect(json["service"] == "headgate")
            let routes = try #require(json["routes"]?.array)
            #expect(routes.map { $0["path"] } == ["/", "/chat"])
            #expect(routes.map { $0["output"] } == ["text", "message"])
            #expect(routes.map { $0["invoke"] } == ["POST /invoke", "POST /chat/invoke"])
            #expect(routes.map { $0["stream"] } == ["POST /stream", "POST /chat/stream"])
        }
    }

    @Test(
        "a slash too many is a 307 to the right address",
        arguments: ["/invoke", "/batch", "/stream", "/chat/invoke", "/health"]
    )
    func redirect(path: String) async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let reply = try await gateway.post(path + "/", "{}")
            #expect(reply.status == 307)
            #expect(reply["location"] == "http://gateway.test" + path)
            #expect(reply.text.isEmpty)
            #expect(reply["x-request-id"] != nil)
            #expect(try await gateway.post(path + "/?a=b", "{}")["location"] == "http://gateway.test\(path)?a=b")
            #expect(try await gateway.post(path + "//", "{}").status == 404)
            #expect(try await gateway.post("//evil.test" + path + "/", "{}").status == 404)
        }
    }

    @Test("a query changes nothing, config_hash included")
    func query() async throws {
        try await TestGateway.run(mockConfiguration("reply: echo")) { gateway in
            let reply = try await gateway.post("/invoke?config_hash=N4XyA&x=/", #"{"input":"a"}"#)
            #expect(try reply.json["output"] == "a")
        }
    }

    @Test("the caller's X-Request-Id comes back; another one is the run's id")
    func requestID() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let body = #"{"input":"a"}"#
            for id in ["a", "req-42/x.y", String(repeating: "z", count: 128)] {
                for path in ["/invoke", "/stream", "/nothing"] {
                    let reply = try await gateway.post(path, body, "X-Request-Id: \(id)")
                    #expect(reply["x-request-id"] == id)
                }
            }
            for id in ["", "two words", "tab\tbed", "é", String(repeating: "z", count: 129)] {
                let reply = try await gateway.post("/invoke", body, "X-Request-Id: \(id)")
                #expect(reply["x-request-id"] == (try reply.json["metadata"]?["run_id"]?.string))
            }
            let stream = try await gateway.post("/stream", body)
            #expect(stream["x-request-id"] == (try stream.events[0].json["run_id"]?.string))
            let batch = try await gateway.post("/batch", #"{"inputs":["a"]}"#)
            #expect(batch["x-request-id"] == (try batch.json["metadata"]?["run_ids"]?[0].string))
            #expect(try await gateway.send(.get("/health"))["x-request-id"].flatMap { RunID($0) } != nil)
        }
    }

    @Test("a request that is none is answered in the door's shape, and the connection closed")
    func malformed() async throws {
        try await TestGateway.run(mockConfiguration()) { gateway in
            let reply = try await gateway.talk { connection in
                try connection.send(
                    Array("POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".utf8)
                )
                let reply = try connection.reply()
                try connection.expectEnd()
                return reply
            }
            #expect(reply.status == 400)
            #expect(reply["connection"] == "close")
            #expect(try reply.json.keys == ["detail", "message"])
        }
    }
}
