import EventLoop
import JSON
import Providers
import Runnable
import Testing

@testable import Gateway

/// Routes over a loop that never runs: nothing here is called.
private func doors(_ paths: [String]) throws -> [LangServeDoor] {
    let loop = try EventLoop(name: "idle")
    return paths.map { path in
        LangServeDoor(
            loop: loop,
            reader: LoopBound(JSONReader(), loop: loop),
            runIDs: LoopBound(RunIDSource(), loop: loop),
            route: RouteService(
                settings: RouteSettings(path: path, model: "de\"mo", output: .text),
                model: MockModel(loop: loop, script: MockScript()),
                backend: "mock",
                timeouts: TimeoutSettings()
            )
        )
    }
}

struct RouteTableTests {
    @Test("every route has its three endpoints, and the service its own")
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
        for path in ["/health", "/ready", "/"] { #expect(table[path] != nil) }
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
        #expect(json.keys == ["service", "version", "routes", "health", "ready"])
        #expect(json["version"] == "1.2.3")
        let routes = try #require(json["routes"]?.array)
        #expect(routes.map { $0["path"] } == ["/", "/chat"])
        #expect(
            routes[1] == [
                "path": "/chat", "model": "de\"mo", "output": "text", "invoke": "POST /chat/invoke",
                "batch": "POST /chat/batch",
                "stream": "POST /chat/stream",
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
