import Runnable
import Testing

@testable import Gateway

/// `/stream_log` and `/stream_events` on the wire (langserve-protocol.md, LS-86 to LS-95). The Python client compares them with LangServe's.
@Suite(.timeLimit(.minutes(1)))
struct EventWireTests {
    private static let routes = [
        ("/", #""one two""#), ("/chat", #""one two""#), ("/chain", #"{"text":"one two"}"#),
        ("/both", #"{"text":"one two"}"#), ("/same", #"{"a":[1,{"b":null}]}"#),
    ]

    private static func path(_ route: String, _ endpoint: String) -> String {
        route == "/" ? "/\(endpoint)" : "\(route)/\(endpoint)"
    }

    /// The content of messages instead of the whole, which has ids and counts of its own.
    private static func plain(_ value: Value?) -> Value? {
        guard let object = value?.object else { return value }
        if let content = object["content"], object["type"] != nil { return content }
        var plain: Value.Object = [:]
        for member in object { plain[member.key] = Self.plain(member.value) }
        return .object(plain)
    }

    // MARK: /stream_log

    @Test("LS-86 all changes applied give the output of invoke", arguments: routes)
    func log(route: String, input: String) async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let body = #"{"input":\#(input)}"#
            let output = try await gateway.post(Self.path(route, "invoke"), body).json["output"]
            let reply = try await gateway.post(Self.path(route, "stream_log"), body)
            #expect(reply["content-type"] == "text/event-stream; charset=utf-8")
            let events = try reply.events
            #expect(Set(events.dropLast().names) == ["data"] && events.last == TestEvent(name: "end", data: nil))
            let log = try RunLogDocument(events)
            #expect(Self.plain(log.document["final_output"]) == Self.plain(output))
            #expect(log.document["name"]?.string == route)
            #expect(log.document.keys == ["id", "streamed_output", "final_output", "logs", "name", "type"])
            #expect(log.document["type"] == (route == "/chat" ? "llm" : "chain"))
            for entry in try #require(log.document["logs"]?.object) {
                #expect(entry.value["end_time"]?.string?.isEmpty == false, "\(entry.key)")
                #expect(entry.value["final_output"] != .null, "\(entry.key)")
            }
        }
    }

    @Test("LS-87 the first change is the root's, whatever is filtered")
    func logFilter() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let everything = #""include_names":[],"include_types":[],"include_tags":[]"#
            let reply = try await gateway.post("/chain/stream_log", #"{"input":{"text":"a"},\#(everything)}"#)
            let log = try RunLogDocument(reply.events)
            #expect(log.operations[0] == ("replace", ""))
            #expect(log.document["logs"] == [:])
            #expect(log.document["final_output"] == "plain a")
            let models = try await gateway.post(
                "/chain/stream_log",
                #"{"input":{"text":"a"},"include_types":["llm"]}"#
            )
            #expect(try RunLogDocument(models.events).document["logs"]?.keys == ["demo"])
        }
    }

    @Test("LS-88 a name that comes again gets a number")
    func names() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let reply = try await gateway.post("/both/stream_log", #"{"input":{"text":"a"}}"#)
            let logs = try #require(try RunLogDocument(reply.events).document["logs"]?.object)
            #expect(Set(logs.keys).isSuperset(of: ["demo", "demo:2"]))
            #expect(logs["demo"]?["name"] == "demo" && logs["demo:2"]?["name"] == "demo")
            #expect(logs["demo"]?["id"] != logs["demo:2"]?["id"])
        }
    }

    @Test("LS-71 a model's final output in a run log is a whole LLMResult")
    func modelResult() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let reply = try await gateway.post("/chain/stream_log", #"{"input":{"text":"a"}}"#)
            let result = try RunLogDocument(reply.events).document["logs"]?["demo"]?["final_output"]
            #expect(result?.keys == ["generations", "llm_output", "run", "type"])
            #expect(result?["type"] == "LLMResult" && result?["llm_output"] == .null && result?["run"] == .null)
            let generation = try #require(result?["generations"]?[0][0])
            #expect(generation["text"] == "plain a")
            #expect(generation["message"]?["content"] == "plain a")
        }
    }

    // MARK: /stream_events

    @Test("LS-89 the root begins first with the input and ends last with the output", arguments: routes)
    func rootEvents(route: String, input: String) async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let body = #"{"input":\#(input)}"#
            let output = try await gateway.post(Self.path(route, "invoke"), body).json["output"]
            let events = try await gateway.post(Self.path(route, "stream_events"), body).events
            #expect(!events.names.contains("metadata") && events.last?.name == "end")
            let happenings = try events.outputs
            let first = try #require(happenings.first)
            let last = try #require(happenings.last)
            for event in happenings {
                #expect(
                    event.keys == ["event", "data", "name", "tags", "run_id", "metadata", "parent_ids"]
                )
            }
            #expect(first["name"]?.string == route && last["name"]?.string == route)
            #expect(first["run_id"] == last["run_id"] && first["parent_ids"] == [] && last["parent_ids"] == [])
            #expect(first["event"]?.string?.hasSuffix("_start") == true)
            #expect(last["event"]?.string?.hasSuffix("_end") == true)
            #expect(last["data"]?.keys == ["output"])
            #expect(Self.plain(last["data"]?["output"]) == Self.plain(output))
            if route != "/chat" { #expect(try first["data"] == ["input": Value(parsing: input)]) }
        }
    }

    @Test("LS-90 every start has one end with the same id, and parents are told root first", arguments: routes)
    func pairs(route: String, input: String) async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let reply = try await gateway.post(Self.path(route, "stream_events"), #"{"input":\#(input)}"#)
            let events = try reply.events.outputs
            var open: [String] = []
            var parents: [String: [String]] = [:]
            for event in events {
                let id = try #require(event["run_id"]?.string)
                let name = try #require(event["event"]?.string)
                let above = try #require(event["parent_ids"]?.array).compactMap(\.string)
                if name.hasSuffix("_start") {
                    #expect(parents[id] == nil)
                    parents[id] = above
                    open.append(id)
                    if let parent = above.last {
                        #expect(open.contains(parent))
                        #expect(parents[parent] == Array(above.dropLast()))
                    }
                } else {
                    #expect(open.contains(id) && parents[id] == above)
                }
                if name.hasSuffix("_end") { open.removeAll { $0 == id } }
            }
            #expect(open.isEmpty && !parents.isEmpty)
        }
    }

    @Test("LS-91 includes are alternatives, excludes come after, and an empty include leaves only the end")
    func filters() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            func names(_ filters: String) async throws -> Set<String> {
                let reply = try await gateway.post("/chain/stream_events", #"{"input":{"text":"a"},\#(filters)}"#)
                let events = try reply.events
                #expect(events.last == TestEvent(name: "end", data: nil))
                return Set(try events.outputs.compactMap { $0["name"]?.string })
            }
            let all: Set = ["/chain", "ChatPromptTemplate", "demo", "StrOutputParser"]
            #expect(try await names(#""include_names":null"#).count == 4)
            #expect(
                try await names(#""include_names":["demo"],"include_types":["parser"]"#) == ["demo", "StrOutputParser"]
            )
            #expect(try await names(#""include_tags":["seq:step:3"]"#) == ["StrOutputParser"])
            #expect(try await names(#""exclude_types":["chat_model"]"#).contains("demo") == false)
            #expect(
                try await names(#""include_names":["demo","/chain"],"exclude_names":["demo"]"#) == ["/chain"]
            )
            #expect(try await names(#""exclude_tags":["nobody"]"#).isSubset(of: all.union(["PromptTemplate"])))
            let reply = try await gateway.post("/chain/stream_events", #"{"input":{"text":"a"},"include_names":[]}"#)
            #expect(reply.text == "event: end\r\n\r\n")
        }
    }

    @Test(
        "LS-92 a filter that is a bare text is a 422 that names it",
        arguments: [
            "include_names", "include_types", "include_tags", "exclude_names", "exclude_types", "exclude_tags",
        ]
    )
    func badFilter(key: String) async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            for (path, input) in [("/chain", #"{"text":"a"}"#), ("/chat", #""a""#)] {
                for endpoint in ["stream_log", "stream_events"] {
                    for bad in [#""abc""#, "5", "{}"] {
                        let body = #"{"input":\#(input),"\#(key)":\#(bad)}"#
                        let reply = try await gateway.post("\(path)/\(endpoint)", body)
                        #expect(reply.status == 422 && reply["content-type"] == "application/json")
                        #expect(try reply.json["detail"]?[0]["loc"] == [.string(key)])
                    }
                    let body = #"{"input":\#(input),"\#(key)":["a",1]}"#
                    let reply = try await gateway.post("\(path)/\(endpoint)", body)
                    #expect(reply.status == 422)
                    #expect(try reply.json["detail"]?[0]["loc"] == [.string(key), 1])
                }
            }
        }
    }

    @Test("LS-93 and LS-95 under a filter a model's start keeps its own input, a list of lists of messages")
    func modelInput() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            for (path, input) in [("/chain", #"{"text":"hi"}"#), ("/chat", #""plain hi""#)] {
                for filter in ["", #","include_types":["chat_model"]"#] {
                    let reply = try await gateway.post("\(path)/stream_events", #"{"input":\#(input)\#(filter)}"#)
                    let start = try #require(
                        try reply.events.outputs.first { $0["event"] == "on_chat_model_start" }
                    )
                    #expect(start["data"]?["input"]?.keys == ["messages"])
                    let messages = start["data"]?["input"]?["messages"]
                    #expect(messages?.array?.count == 1 && messages?[0].array?.count == 1)
                    #expect(messages?[0][0]["type"] == "human" && messages?[0][0]["content"] == "plain hi")
                }
            }
        }
    }

    @Test("LS-94 a failing run ends its events with an error event and no end, which every reader of JSON understands")
    func failure() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            for endpoint in ["stream_events", "stream_log"] {
                let reply = try await gateway.post("/fails/\(endpoint)", #"{"input":{"text":"a"}}"#)
                let events = try reply.events
                #expect(reply.status == 200 && events.first?.name == "data" && events.last?.name == "error")
                #expect(!events.names.contains("end"))
                let error = try #require(events.last).json
                #expect(error["status_code"]?.integer == 502 && error["message"]?.string?.isEmpty == false)
            }
        }
    }
}
