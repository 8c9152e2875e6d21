import Runnable
import Testing

@testable import Gateway

/// What callers say in `config`, and in a hash of it (langserve-protocol.md, LS-73 to LS-80).
@Suite(.timeLimit(.minutes(1)))
struct ConfigTests {
    private static let input = #""input":{"text":"hi"}"#

    private static func hash(_ config: String) -> String { LZString.compress(config) }

    @Test("LS-73 a configurable value changes the call that has it and no other")
    func configurable() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        let config =
                            number.isMultiple(of: 2) ? "" : #","config":{"configurable":{"style":"s\#(number)"}}"#
                        let reply = try await gateway.post("/chain/invoke", "{\(Self.input)\(config)}")
                        let style = number.isMultiple(of: 2) ? "plain" : "s\(number)"
                        #expect(try reply.json["output"]?.string == "\(style) hi")
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("LS-73 alternatives are chosen by name, also inside another route")
    func alternatives() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let config = #""config":{"configurable":{"llm":"other"}}"#
            #expect(try await gateway.post("/chain/invoke", "{\(Self.input),\(config)}").json["output"] == "the other")
            let both = try await gateway.post("/both/invoke", "{\(Self.input),\(config)}").json["output"]
            #expect(both?["short"] == "the other" && both?["long"]?["content"] == "hi")
            let batch = try await gateway.post(
                "/chain/batch",
                #"{"inputs":[{"text":"a"},{"text":"b"}],"config":[{"configurable":{"llm":"other"}},{}]}"#
            )
            #expect(try batch.json["output"] == ["the other", "plain b"])
        }
    }

    @Test(
        "LS-74 a bad configurable value is a 422 that names it",
        arguments: [
            ("temperature", #""hot""#), ("temperature", "[]"), ("style", "5"), ("temperature", "null"),
            ("llm", #""third""#), ("llm", "1"),
        ]
    )
    func badConfigurable(id: String, value: String) async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let config = #"{"configurable":{"\#(id)":\#(value)}}"#
            for endpoint in ["invoke", "stream", "stream_log", "stream_events"] {
                let reply = try await gateway.post("/chain/\(endpoint)", #"{\#(Self.input),"config":\#(config)}"#)
                #expect(reply.status == 422 && reply["content-type"] == "application/json")
                #expect(try reply.json["detail"]?[0]["loc"] == ["configurable", .string(id)])
            }
            let hashed = try await gateway.post("/chain/c/\(Self.hash(config))/invoke", "{\(Self.input)}")
            #expect(hashed.status == 422)
            #expect(try hashed.json["detail"]?[0]["loc"] == ["configurable", .string(id)])
            let batch = #"{"inputs":[{"text":"a"},{"text":"b"}],"config":[{},\#(config)]}"#
            #expect(try await gateway.post("/chain/batch", batch).status == 422)
        }
    }

    @Test("LS-74 keys that nothing declares are dropped, and a route that declares none takes anything")
    func undeclared() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let reply = try await gateway.post(
                "/chain/invoke",
                #"{\#(Self.input),"config":{"configurable":{"nobody":[1],"style":"s"}}}"#
            )
            #expect(try reply.json["output"] == "s hi")
            for value in ["5", "[]", #""x""#, #"{"a":1}"#, "null"] {
                let reply = try await gateway.post("/invoke", #"{"input":"hi","config":{"configurable":\#(value)}}"#)
                #expect(try reply.json["output"] == "hi", "\(value)")
            }
            #expect(
                try await gateway.post("/chain/invoke", #"{\#(Self.input),"config":{"configurable":5}}"#).status == 422
            )
        }
    }

    @Test("LS-75 and LS-76 a hash in the path applies its config to every endpoint that runs")
    func hashes() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let base = "/chain/c/" + Self.hash(#"{"configurable":{"style":"hashed é😀"}}"#)
            let body = "{\(Self.input)}"
            let expected: Value = "hashed é😀 hi"
            #expect(try await gateway.post(base + "/invoke", body).json["output"] == expected)
            #expect(
                try await gateway.post(base + "/batch", #"{"inputs":[{"text":"hi"},{"text":"hi"}]}"#).json["output"]
                    == .array([expected, expected])
            )
            let pieces = try await gateway.post(base + "/stream", body).events.outputs
            #expect(pieces.compactMap(\.string).joined() == expected.string)
            let events = try await gateway.post(base + "/stream_events", body).events.outputs
            #expect(events.last?["data"]?["output"] == expected)
            let log = try RunLogDocument(try await gateway.post(base + "/stream_log", body).events)
            #expect(log.document["final_output"] == expected)
            // At the root, and on a route without anything to choose.
            for path in ["/c/N4XyA/invoke", "/chat/c/N4XyA/invoke"] {
                #expect(try await gateway.post(path, #"{"input":"hi"}"#).status == 200)
            }
        }
    }

    @Test("LS-77 a key of the body counts more than the hash's, and an empty configurable keeps the hash")
    func precedence() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let path = "/chain/c/" + Self.hash(#"{"configurable":{"style":"hashed","llm":"default"}}"#) + "/invoke"
            for (config, output) in [
                (#"{"configurable":{}}"#, "hashed hi"), ("{}", "hashed hi"), ("null", "hashed hi"),
                (#"{"configurable":{"style":"body"}}"#, "body hi"),
                (#"{"configurable":{"temperature":1}}"#, "hashed hi"),
                (#"{"configurable":{"llm":"other"}}"#, "the other"),
            ] {
                let reply = try await gateway.post(path, #"{\#(Self.input),"config":\#(config)}"#)
                #expect(try reply.json["output"]?.string == output, "\(config)")
            }
            let batch = try await gateway.post(
                path.replacing("/invoke", with: "/batch"),
                #"{"inputs":[{"text":"a"},{"text":"b"}],"config":[{"configurable":{}},{"configurable":{"style":"body"}}]}"#
            )
            #expect(try batch.json["output"] == ["hashed a", "body b"])
        }
    }

    @Test("LS-78 a hash that is no config is a 400, but for the page, which says so itself")
    func badHash() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let notObjects = ["[1]", "5", "null", "{", ""].map(Self.hash)
            for hash in ["bad!", "%00", "AAAA", "x"] + notObjects {
                for path in ["/chain/c/\(hash)", "/c/\(hash)"] {
                    for endpoint in ["invoke", "batch", "stream", "stream_log", "stream_events"] {
                        let reply = try await gateway.post("\(path)/\(endpoint)", "{}")
                        #expect(reply.status == 400, "\(hash)")
                        #expect(try reply.json["detail"] == "Invalid config hash")
                    }
                    for page in ["input_schema", "output_schema", "config_schema"] {
                        let reply = try await gateway.send(.get("\(path)/\(page)"))
                        #expect(try reply.status == 400 && reply.json["detail"] == "Invalid config hash")
                    }
                    // The page itself tells people.
                    #expect(try await gateway.send(.get("\(path)/playground/")).status == 200)
                }
            }
        }
    }

    @Test("LS-79 a run id counts where the route allows one")
    func runID() async throws {
        let id = "6b2f2c1e-5f0a-4c58-9a3e-0d8c54d0a111"
        let config = #""config":{"run_id":"\#(id)"}"#
        try await TestGateway.run(routesConfiguration(route: "allow_config: [run_id]")) { gateway in
            for (path, input) in [("/", #""hi""#), ("/chain/", #"{"text":"hi"}"#)] {
                let body = #"{"input":\#(input),\#(config)}"#
                let invoke = try await gateway.post(path + "invoke", body)
                #expect(try invoke.json["metadata"]?["run_id"]?.string == id)
                #expect(invoke["x-request-id"] == id)
                #expect(try await gateway.post(path + "stream", body).events[0].json["run_id"]?.string == id)
                let events = try await gateway.post(path + "stream_events", body).events.outputs
                #expect(events.first?["run_id"]?.string == id)
                let bad = try await gateway.post(path + "invoke", #"{"input":\#(input),"config":{"run_id":"x"}}"#)
                #expect(bad.status == 422)
                #expect(try bad.json["detail"]?[0]["loc"] == ["run_id"])
                let batch = try await gateway.post(
                    path + "batch",
                    #"{"inputs":[\#(input),\#(input),\#(input)],\#(config)}"#
                )
                let ids = try #require(try batch.json["metadata"]?["run_ids"]?.array).compactMap(\.string)
                #expect(ids.first == id && Set(ids).count == 3)
            }
        }
        try await TestGateway.run(routesConfiguration()) { gateway in
            let reply = try await gateway.post("/invoke", #"{"input":"hi",\#(config)}"#)
            #expect(try reply.json["metadata"]?["run_id"]?.string != id)
            #expect(try await gateway.post("/invoke", #"{"input":"hi","config":{"run_id":"x"}}"#).status == 200)
        }
    }

    @Test("LS-80 metadata whose keys begin with two underscores never leaves, what else is allowed does")
    func hiddenMetadata() async throws {
        let body = #"{\#(Self.input),"config":{"metadata":{"__hidden":"canary","shown":7},"tags":["b","a","b"]}}"#
        try await TestGateway.run(routesConfiguration(route: "allow_config: [metadata, tags]")) { gateway in
            for endpoint in ["stream_events", "stream_log", "invoke", "stream"] {
                let reply = try await gateway.post("/chain/\(endpoint)", body)
                #expect(reply.status == 200)
                #expect(!reply.text.contains("canary") && !reply.text.contains("__hidden"), "\(endpoint)")
            }
            let events = try await gateway.post("/chain/stream_events", body).events.outputs
            #expect(events.allSatisfy { $0["metadata"]?["shown"] == 7 })
            // De-duplicated and sorted, as LangServe's are.
            #expect(events.first?["tags"] == ["a", "b"])
        }
        try await TestGateway.run(routesConfiguration()) { gateway in
            let events = try await gateway.post("/chain/stream_events", body).events.outputs
            #expect(events.allSatisfy { $0["metadata"] == [:] })
            #expect(events.first?["tags"] == [])
        }
    }

    @Test("configurable that the route does not allow is a 422 in words, unless it is empty")
    func notAllowed() async throws {
        try await TestGateway.run(routesConfiguration(route: "allow_config: [tags]")) { gateway in
            let config = #"{"configurable":{"style":"s"}}"#
            for path in ["/chain/invoke", "/chain/stream", "/chain/stream_events"] {
                let reply = try await gateway.post(path, #"{\#(Self.input),"config":\#(config)}"#)
                #expect(reply.status == 422)
                #expect(try reply.json["detail"]?.string?.isEmpty == false)
            }
            #expect(try await gateway.post("/chain/c/\(Self.hash(config))/invoke", "{\(Self.input)}").status == 422)
            let empty = try await gateway.post("/chain/invoke", #"{\#(Self.input),"config":{"configurable":{}}}"#)
            #expect(try empty.json["output"] == "plain hi")
            // A model has nothing to choose, so there is nothing to refuse.
            #expect(try await gateway.post("/invoke", #"{"input":"hi","config":\#(config)}"#).status == 200)
        }
    }
}
