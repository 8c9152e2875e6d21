import JSON
import Runnable
import Testing

@testable import Gateway

/// What pipelines give on the wire (langserve-protocol.md, LS-17, LS-18, LS-39, LS-53, LS-70 and LS-72).
@Suite(.timeLimit(.minutes(1)))
struct PipelineOutputTests {
    /// The output of a route in every way it can be had.
    private static func outputs(_ gateway: TestGateway, _ path: String, _ input: String) async throws -> [Value] {
        let single = #"{"input":\#(input)}"#
        let invoke = try await gateway.post("\(path)/invoke", single).json["output"]
        let batch = try await gateway.post("\(path)/batch", #"{"inputs":[\#(input)]}"#).json["output"]?[0]
        let events = try await gateway.post("\(path)/stream_events", single).events.outputs
        let log = try RunLogDocument(try await gateway.post("\(path)/stream_log", single).events)
        return [invoke, batch, events.last?["data"]?["output"], log.document["final_output"]].map { $0 ?? "nothing" }
    }

    @Test("LS-17 a number that JSON has no word for is null")
    func notNumbers() {
        for number in [Double.nan, .infinity, -.infinity] {
            var bytes: [UInt8] = []
            bytes.appendJSON(number)
            #expect(String(decoding: bytes, as: UTF8.self) == "null")
            #expect(Value.double(number) == .null)
        }
    }

    @Test(
        "LS-18 an output arrives as it is, a member called root included",
        arguments: [
            #"{"root":5}"#, #"{"root":{"root":[]}}"#, "5", #""é😀""#, "[1,[2]]", "18446744073709551616", "1e400",
        ]
    )
    func unchanged(input: String) async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let expected = try Value(parsing: input)
            for output in try await Self.outputs(gateway, "/same", input) { #expect(output == expected) }
            #expect(try await gateway.post("/same/stream", #"{"input":\#(input)}"#).events.outputs == [expected])
        }
    }

    @Test("LS-39 a null is an output like others: data of its own in a stream")
    func null() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let stream = try await gateway.post("/same/stream", #"{"input":null}"#)
            #expect(stream.text.contains("event: data\r\ndata: null\r\n\r\n"))
            #expect(try stream.events.names == ["metadata", "data", "end"])
            let invoke = try await gateway.post("/same/invoke", #"{"input":null}"#)
            #expect(try invoke.status == 200 && invoke.json["output"] == .null)
        }
    }

    @Test("LS-53 a pipeline's chunks are pieces of single members, whose sum is the invoke's output")
    func sums() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let body = #"{"input":{"text":"one two three"}}"#
            let chunks = try await gateway.post("/both/stream", body).events.outputs
            #expect(chunks.allSatisfy { $0.keys.count == 1 })
            #expect(chunks.compactMap { $0["short"]?.string }.joined() == "plain one two three")
            #expect(chunks.compactMap { $0["long"]?["content"]?.string }.joined() == "one two three")
            let whole = try await gateway.post("/both/invoke", body).json["output"]
            #expect(whole?["short"] == "plain one two three" && whole?["long"]?["content"] == "one two three")
            #expect(whole?.keys == ["short", "long"])
        }
    }

    @Test("LS-70 a document keeps its content, its metadata and its type")
    func document() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let document = #"{"id":null,"metadata":{"page":3},"page_content":"text","type":"Document"}"#
            let expected = try Value(parsing: document)
            for output in try await Self.outputs(gateway, "/same", document) { #expect(output == expected) }
        }
    }

    @Test("LS-72 a prompt value has its type, and its messages are whole")
    func promptValue() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            let input = #"{"tone":"kind","text":"hi"}"#
            for output in try await Self.outputs(gateway, "/prompt", input) {
                #expect(output.keys == ["messages", "type"])
                #expect(output["type"] == "ChatPromptValueConcrete")
                let messages = try #require(output["messages"]?.array)
                #expect(messages.map { $0["type"] } == ["system", "human"])
                #expect(messages.map { $0["content"] } == ["Be kind.", "hi"])
                for message in messages {
                    #expect(
                        message.keys == ["content", "additional_kwargs", "response_metadata", "type", "name", "id"]
                    )
                }
            }
        }
    }

    @Test(
        "LS-57 and LS-72 a caller's message is whole in the prompt that it becomes a part of, and no id is made up for it"
    )
    func placedMessages() async throws {
        let configuration = """
            routes:
              /prompt: {pipeline: [{prompt: {placeholder: history}}]}
            """
        let history = #"""
            [{"content":"a","additional_kwargs":{"k":1},"response_metadata":{"r":2},"type":"ai","name":null,"id":null,"tool_calls":[],\#
            "invalid_tool_calls":[],"usage_metadata":{"input_tokens":1,"output_tokens":2,"total_tokens":3}},\#
            {"content":"b","additional_kwargs":{},"response_metadata":{},"type":"tool","name":null,"id":null,"tool_call_id":"c",\#
            "artifact":{"x":[1]},"status":"success"}]
            """#
        let expected = try Value(parsing: history)
        try await TestGateway.run(configuration) { gateway in
            for output in try await Self.outputs(gateway, "/prompt", #"{"history":\#(history)}"#) {
                #expect(output["messages"] == expected)
            }
        }
    }

    @Test(
        "LS-60 what a model takes, and a step beside it hands on, comes out as it was written",
        arguments: [
            (#""one two""#, #""one two""#), (#"{"text":"one two"}"#, #"{"text":"one two","type":"StringPromptValue"}"#),
            (
                #"[{"type":"human","content":"one two"}]"#,
                #"""
                [{"content":"one two","additional_kwargs":{},"response_metadata":{},"type":"human","name":null,"id":null}]
                """#
            ),
        ]
    )
    func inputsBesideAModel(input: String, passed: String) async throws {
        let configuration = """
            backends: {echo: {dialect: mock, mock: {reply: echo}}}
            models: {demo: {backend: echo}}
            routes:
              /ask: {pipeline: [{parallel: {question: {passthrough: {}}, answer: [{model: demo}, {parser: string}]}}]}
              /add: {pipeline: [{assign: {answer: [{pick: question}, {model: demo}, {parser: string}]}}]}
            """
        let expected = try Value(parsing: #"{"question":\#(passed),"answer":"one two"}"#)
        try await TestGateway.run(configuration) { gateway in
            for output in try await Self.outputs(gateway, "/ask", input) { #expect(output == expected) }
            for output in try await Self.outputs(gateway, "/add", #"{"question":\#(input)}"#) {
                #expect(output == expected)
            }
        }
    }

    @Test("LS-8 and LS-18 a null that only a condition looks at is handed on as one")
    func nullBesideACondition() async throws {
        let configuration = """
            routes:
              /pass:
                pipeline:
                  - branch:
                      - if: {field: extra, exists: true}
                        then: {pick: extra}
                      - else: {passthrough: {}}
            """
        try await TestGateway.run(configuration) { gateway in
            for input in [#"{"extra":null}"#, #"{"other":1}"#] {
                let expected = try Value(parsing: input)
                for output in try await Self.outputs(gateway, "/pass", input) { #expect(output == expected) }
            }
        }
    }

    @Test("LS-4 and LS-7 what a pipeline's prompt misses is a 422 inside the input, before anything runs")
    func missingVariable() async throws {
        try await TestGateway.run(routesConfiguration()) { gateway in
            for endpoint in ["invoke", "stream", "stream_log", "stream_events"] {
                let missing = try await gateway.post("/chain/\(endpoint)", #"{"input":{"word":"x"}}"#)
                #expect(missing.status == 422)
                #expect(try missing.json["detail"]?[0]["type"] == "missing")
                #expect(try missing.json["detail"]?[0]["loc"] == ["text"])
                let wrong = try await gateway.post("/chain/\(endpoint)", #"{"input":{"text":5}}"#)
                #expect(try wrong.json["detail"]?[0]["loc"] == ["text"])
            }
            let batch = try await gateway.post("/chain/batch", #"{"inputs":[{"text":"a"},{}]}"#)
            #expect(try batch.json["detail"]?[0]["loc"] == ["inputs", 1, "text"])
        }
    }
}
