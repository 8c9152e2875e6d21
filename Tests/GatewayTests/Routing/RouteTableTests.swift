import EventLoop
import JSON
import Providers
import Runnable
import Testing

@testable import Gateway

/// Routes over a loop that never runs: nothing here is called.
private func doors(
    _ paths: [String],
    endpoints: Set<RouteSettings.EndpointName> = Set(RouteSettings.EndpointName.allCases)
) throws -> [RouteDoor] {
    let loop = try EventLoop(name: "idle")
    let model = MockModel(loop: loop, script: MockScript())
    let step = ModelStep(model: model, name: "demo", parameters: []).erased
    return paths.map { path in
        var settings = RouteSettings(path: path, model: "de\"mo", output: .text)
        settings.endpoints = endpoints
        let service = RouteService(
            settings: settings,
            backend: "mock",
            timeouts: TimeoutSettings(),
            shape: RouteShape(input: .modelInput, output: .string)
        )
        return .model(
            LangServeDoor(
                loop: loop,
                reader: LoopBound(JSONReader(), loop: loop),
                runIDs: LoopBound(RunIDSource(), loop: loop),
                route: service,
                run: ModelRun(model: model, streamedOutput: .text, step: step)
            )
        )
    }
}

struct RouteTableTests {
    @Test("paths with a config hash lead to the same endpoints, but for feedback")
    func hashed() throws {
        let table = RouteTable(try doors(["/", "/chat", "/a/c"]))
        for (path, route, hash) in [
            ("/c/N4XyA/invoke", "/", "N4XyA"), ("/chat/c/x/stream_log", "/chat", "x"),
            ("/chat/c/c/invoke", "/chat", "c"), ("/c/c/playground/", "/", "c"), ("/a/c/c/c/invoke", "/a/c", "c"),
            ("/a/c/c/y/config_schema", "/a/c", "y"),
            ("/chat/c/x/playground/", "/chat", "x"),
        ] {
            let found = try #require(table.hashed(path), "\(path)")
            #expect(found.hash == hash && found.endpoint.door?.route.settings.path == route)
        }
        for path in [
            "/chat/c/x", "/chat/c//invoke", "/c/invoke", "/chat/c/x/feedback", "/chat/c/x/token_feedback",
            "/c/x/health",
            "/nobody/c/x/invoke", "/chat/c/x/y/invoke", "/chat/c/x/",
        ] { #expect(table.hashed(path) == nil, "\(path)") }
    }

    @Test("LS-82 an endpoint that is switched off is not there, with a hash neither")
    func switches() throws {
        let table = RouteTable(try doors(["/chat"], endpoints: [.invoke]))
        #expect(table["/chat/invoke"] != nil && table.hashed("/chat/c/x/invoke") != nil)
        for name in RouteSettings.EndpointName.allCases where name != .invoke {
            #expect(table["/chat/\(name.rawValue)"] == nil && table.hashed("/chat/c/x/\(name.rawValue)") == nil)
        }
    }

    @Test("every route has its endpoints, and the service its own")
    func paths() throws {
        let table = RouteTable(try doors(["/", "/chat", "/a/b"]))
        for prefix in ["", "/chat", "/a/b"] {
            for method in RouteTable.RunMethod.allCases {
                guard case .run(let door, let found)? = table["\(prefix)/\(method.name)"] else {
                    Issue.record("nothing at \(prefix)/\(method.name)")
                    continue
                }
                #expect(found == method)
                #expect(door.route.settings.path == (prefix.isEmpty ? "/" : prefix))
            }
        }
        for path in ["/health", "/ready", "/", "/docs", "/openapi.json"] { #expect(table[path] != nil) }
        for path in ["", "/chat", "/invoke/", "/INVOKE", "/a/invoke", "/%69nvoke", "invoke"] {
            #expect(table[path] == nil)
        }
    }
}

struct IndexPageTests {
    @Test("valid JSON, indented for people, names escaped")
    func page() throws {
        let table = RouteTable(try doors(["/", "/chat"]))
        let text = String(decoding: IndexPage.body(table.routes, version: "1.2.3"), as: UTF8.self)
        let json = try Value(parsing: text)
        #expect(json.keys == ["service", "version", "routes", "health", "ready", "docs", "openapi"])
        #expect(json["version"] == "1.2.3")
        let routes = try #require(json["routes"]?.array)
        #expect(routes.map { $0["path"] } == ["/", "/chat"])
        #expect(
            routes[1] == [
                "path": "/chat", "model": "de\"mo", "output": "text", "invoke": "POST /chat/invoke",
                "batch": "POST /chat/batch",
                "stream": "POST /chat/stream", "stream_log": "POST /chat/stream_log",
                "stream_events": "POST /chat/stream_events",
            ]
        )
        #expect(text.hasSuffix("}\n") && text.contains("\n  \"routes\": ["))
    }

    @Test("without routes it is still valid")
    func empty() throws {
        let json = try Value(parsing: String(decoding: IndexPage.body([], version: "0"), as: UTF8.self))
        #expect(json["routes"] == [])
    }
}
