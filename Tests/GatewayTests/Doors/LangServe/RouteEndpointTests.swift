import Runnable
import Testing

@testable import Gateway

/// What routes say about themselves, their switches, and the feedback family (langserve-protocol.md, LS-81 to LS-85).
@Suite(.timeLimit(.minutes(1)))
struct RouteEndpointTests {
    private static let prefixes = ["", "/chat", "/chain", "/both", "/same", "/prompt"]

    /// Every value inside a value, itself included.
    private static func all(_ value: Value) -> [Value] {
        switch value {
        case .object(let object): [value] + object.flatMap { all($0.value) }
        case .array(let array): [value] + array.flatMap(all)
        default: [value]
        }
    }

    // MARK: Schemas

    @Test("LS-81 the three schemas are objects with a title and without a null", arguments: prefixes)
    func schemas(prefix: String) async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            for hash in ["", "/c/N4XyA"] {
                for name in ["input_schema", "output_schema", "config_schema"] {
                    let reply = try await gateway.send(.get("\(prefix)\(hash)/\(name)"))
                    #expect(reply.status == 200 && reply["content-type"] == "application/json")
                    let schema = try reply.json
                    #expect(schema["title"]?.string?.isEmpty == false)
                    #expect(!Self.all(schema).contains(.null), "\(prefix)/\(name)")
                    for reference in Self.all(schema).compactMap({ $0["$ref"]?.string }) {
                        let name = reference.replacing("#/$defs/", with: "")
                        #expect(schema["$defs"]?[name]?.object != nil, "\(reference)")
                    }
                }
            }
        }
    }

    @Test("LS-81 the input's and the output's schema say what is taken and given")
    func shapes() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let input = try await gateway.send(.get("/chain/input_schema")).json
            #expect(input["type"] == "object" && input["required"] == ["text"])
            #expect(input["properties"]?.keys == ["text"])
            #expect(try await gateway.send(.get("/chain/output_schema")).json["type"] == "string")
            let both = try await gateway.send(.get("/both/output_schema")).json
            #expect(both["properties"]?.keys == ["short", "long"])
            #expect(try await gateway.send(.get("/chat/input_schema")).json["anyOf"]?.array?.count == 4)
        }
    }

    @Test("LS-81 config_schema lists the allowed keys alone, and what callers may choose")
    func configSchema() async throws {
        for (allowed, keys) in [
            ("[]", []), ("[configurable]", ["configurable"]), ("[tags]", ["tags"]),
            ("[run_id, configurable, metadata]", ["configurable", "metadata", "run_id"]),
        ] {
            try await TestGateway.run(routesConfiguration(route: "allow_config: \(allowed)")) { gateway in
                let chain = try await gateway.send(.get("/chain/config_schema")).json
                #expect(chain["properties"]?.keys.sorted() == keys, "\(allowed)")
                // A model declares nothing to choose.
                let chat = try await gateway.send(.get("/chat/config_schema")).json
                #expect(chat["properties"]?.keys.sorted() == keys.filter { $0 != "configurable" })
                guard keys.contains("configurable") else { return }
                let choices = try #require(chain["$defs"]?["Configurable"]?["properties"])
                #expect(choices.keys == ["style", "temperature", "llm"])
                #expect(choices["temperature"]?["type"] == "number" && choices["temperature"]?["default"] == 0.5)
                #expect(choices["temperature"]?["description"] == "How free it is")
                #expect(choices["llm"]?["enum"] == ["default", "other"])
            }
        }
    }

    // MARK: Switches

    @Test("LS-82 an endpoint that is switched off is a plain 404", arguments: RouteSettings.EndpointName.allCases)
    func switches(off: RouteSettings.EndpointName) async throws {
        let rest = RouteSettings.EndpointName.allCases.filter { $0 != off }.map(\.rawValue).joined(separator: ", ")
        try await TestGateway.run(routesConfiguration(route: "endpoints: [\(rest)]")) { gateway in
            for prefix in ["", "/chat", "/chain", "/chain/c/N4XyA"] {
                for path in [off.rawValue, off.rawValue + "/"] {
                    for method in ["GET", "POST", "PUT", "HEAD"] {
                        let reply = try await gateway.send(TestRequest(method: method, path: "\(prefix)/\(path)"))
                        #expect(reply.status == 404, "\(method) \(prefix)/\(path)")
                        if method != "HEAD" { #expect(try reply.json["detail"] == "Not Found") }
                    }
                }
            }
            let document = try await gateway.send(.get("/openapi.json")).json
            #expect(document["paths"]?.keys.contains { $0.hasSuffix("/\(off.rawValue)") } == false)
            #expect(try await gateway.send(.get("/docs")).text.contains(">/chat/\(off.rawValue)<") == false)
            let other = off == .invoke ? "stream" : "invoke"
            #expect(try await gateway.post("/chat/\(other)", #"{"input":"a"}"#).status == 200)
        }
    }

    // MARK: Feedback

    private static let family = [
        ("POST", "token_feedback", #"{"token_or_url":"x"}"#, "token_or_url"),
        ("POST", "feedback", #"{"run_id":"6b2f2c1e-5f0a-4c58-9a3e-0d8c54d0a111","key":"k","score":1}"#, "run_id"),
        ("PUT", "public_trace_link", #"{"run_id":"6b2f2c1e-5f0a-4c58-9a3e-0d8c54d0a111"}"#, "run_id"),
    ]

    @Test("LS-83 feedback without tracing is a 400, and a 422 where the body is not valid", arguments: family)
    func feedback(method: String, name: String, body: String, required: String) async throws {
        let all = RouteSettings.EndpointName.allCases.map(\.rawValue).joined(separator: ", ")
        try await TestGateway.run(routesConfiguration(route: "endpoints: [\(all)]")) { gateway in
            for prefix in ["", "/chain"] {
                func send(_ body: String) async throws -> TestReply {
                    try await gateway.send(
                        TestRequest(method: method, path: "\(prefix)/\(name)", body: Array(body.utf8))
                    )
                }
                let valid = try await send(body)
                #expect(valid.status == 400)
                #expect(try valid.json["detail"]?.string?.isEmpty == false)
                let empty = try await send("{}")
                #expect(empty.status == 422)
                #expect(try empty.json["detail"]?[0]["type"] == "missing")
                #expect(try empty.json["detail"]?[0]["loc"] == ["body", .string(required)])
                let wrong = try await send(#"{"\#(required)":5}"#)
                #expect(wrong.status == 422)
                #expect(try wrong.json["detail"]?[0]["loc"]?[0] == "body")
                #expect(try await send("{bad").status == 422)
                #expect(try await send("[]").status == 422)
                for other in ["GET", "HEAD", "DELETE", method == "PUT" ? "POST" : "PUT"] {
                    let reply = try await gateway.send(TestRequest(method: other, path: "\(prefix)/\(name)"))
                    #expect(reply.status == 405 && reply["allow"] == method, "\(other) \(name)")
                }
                // No variants by hash.
                let hashed = TestRequest(method: method, path: "\(prefix)/c/N4XyA/\(name)", body: Array(body.utf8))
                #expect(try await gateway.send(hashed).status == 404)
            }
        }
    }

    @Test("LS-83 token_feedback is there by itself, its siblings only when asked for")
    func feedbackStandard() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            for (method, name, status) in [
                ("POST", "token_feedback", 422), ("POST", "feedback", 404), ("PUT", "public_trace_link", 404),
            ] {
                let request = TestRequest(method: method, path: "/chain/\(name)", body: Array("{}".utf8))
                let reply = try await gateway.send(request)
                #expect(reply.status == status, "\(name)")
            }
        }
    }

    // MARK: Playground

    @Test("LS-84 the playground is at its address with a slash, and nothing is below it", arguments: prefixes)
    func playground(prefix: String) async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            for base in [prefix, prefix + "/c/N4XyA"] {
                let redirect = try await gateway.send(.get("\(base)/playground"))
                #expect(redirect.status == 307)
                #expect(redirect["location"] == "http://gateway.test\(base)/playground/")
                let page = try await gateway.send(.get("\(base)/playground/"))
                #expect(page.status == 200 && page["content-type"] == "text/html; charset=utf-8")
                for below in [
                    "index.html", "..", "../", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc/passwd",
                    "assets/index.js", "/", ".",
                ] {
                    let reply = try await gateway.send(.get("\(base)/playground/\(below)"))
                    #expect(reply.status == 404, "\(below)")
                }
                #expect(try await gateway.post("\(base)/playground/", "{}").status == 405)
            }
        }
    }

    // MARK: OpenAPI

    @Test(
        "LS-85 the OpenAPI document lists every mounted path and method, nothing else, and its references lead somewhere"
    )
    func openAPI() async throws {
        let names = RouteSettings.EndpointName.allCases.map(\.rawValue).joined(separator: ", ")
        try await TestGateway.run(routesConfiguration(route: "endpoints: [\(names)]")) { gateway in
            let reply = try await gateway.send(.get("/openapi.json"))
            #expect(reply.status == 200 && reply["content-type"] == "application/json")
            let document = try reply.json
            #expect(document["openapi"] == "3.1.0")
            let paths = try #require(document["paths"]?.object)
            for reference in Self.all(document).compactMap({ $0["$ref"]?.string }) {
                var target: Value? = document
                for key in reference.dropFirst(2).split(separator: "/") { target = target?[String(key)] }
                #expect(target?.object != nil, "\(reference)")
            }
            let ids = Self.all(document).compactMap { $0["operationId"]?.string }
            #expect(Set(ids).count == ids.count)
            var expected: Set = ["/health", "/ready"]
            for prefix in Self.prefixes + ["/fails"] {
                for endpoint in RouteSettings.EndpointName.allCases {
                    let name = endpoint.rawValue + (endpoint == .playground ? "/" : "")
                    expected.insert("\(prefix)/\(name)")
                    switch endpoint {
                    case .tokenFeedback, .feedback, .publicTraceLink: break
                    default: expected.insert("\(prefix)/c/{config_hash}/\(name)")
                    }
                }
            }
            #expect(Set(paths.keys) == expected)
            for path in paths {
                let address = path.key.replacing("{config_hash}", with: "N4XyA")
                for method in path.value.keys {
                    let request = TestRequest(method: method.uppercased(), path: address, body: Array("{}".utf8))
                    let status = try await gateway.send(request).status
                    #expect([200, 422].contains(status), "\(method) \(address): \(status)")
                }
            }
        }
    }

    @Test("LS-85 the schemas of the document are those of the schema endpoints")
    func sameSchemas() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let schemas = try #require(try await gateway.send(.get("/openapi.json")).json["components"]?["schemas"])
            let input = try await gateway.send(.get("/chain/input_schema")).json
            #expect(schemas["ChainInput"]?["properties"] == input["properties"])
            #expect(schemas["ChainInput"]?["required"] == input["required"])
            let config = try await gateway.send(.get("/chain/config_schema")).json
            #expect(
                schemas["ChainConfig"]?["properties"]?["configurable"]?["anyOf"]?[0]["properties"]
                    == config["$defs"]?["Configurable"]?["properties"]
            )
        }
    }

    @Test("LS-85 /docs names every endpoint for people, and brings no script")
    func docs() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let page = try await gateway.send(.get("/docs"))
            #expect(page.status == 200 && page["content-type"] == "text/html; charset=utf-8")
            #expect(page["content-security-policy"]?.contains("default-src 'none'") == true)
            for prefix in Self.prefixes {
                for name in ["invoke", "stream_events", "config_schema", "playground/"] {
                    #expect(page.text.contains(">\(prefix)/\(name)<"), "\(prefix)/\(name)")
                }
            }
            #expect(!page.text.contains("<script"))
            #expect(try await gateway.post("/docs", "").status == 405)
        }
    }
}
