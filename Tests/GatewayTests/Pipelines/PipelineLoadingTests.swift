import Runnable
import Testing

@testable import Gateway

@Suite struct PipelineLoadingTests {
    @Test func `every step and decoration loads`() throws {
        let loaded = try configuration(pipelines(everyStep), environment: ["not": "ok"])
        let steps = try #require(loaded.route("/every")?.pipeline)
        #expect(steps.count == 9)
        #expect(steps[0].isPassthrough && steps[0].name == "start")
        #expect(steps[1].assign?.map(\.key) == ["on", "a$b"])
        #expect(steps[1].assign?[1].steps[0].prompt?.text == "Cost $5 ok \"{text}\" é\n")
        let arms = try #require(steps[2].branch)
        #expect(arms.count == 4)
        #expect(arms[0].condition == ConditionSettings(field: "language", tests: [.equals(.string("de"))]))
        #expect(arms[1].condition?.field == "meta.size")
        let values: [ScalarSetting] = [.number("1"), .string("1"), .boolean(true), .null, .string("a$b")]
        #expect(arms[1].condition?.tests == [.oneOf(values), .exists(true), .contains("x"), .startsWith("$")])
        #expect(arms[1].steps[0].prompt?.format == .mustache)
        #expect(arms[2].condition?.field == nil)
        #expect(arms[2].condition?.tests == [.above(1e-7), .below(1e300), .longer(3), .kind(.object)])
        #expect(arms[3].condition == nil)
        #expect(arms[3].steps[0].prompt?.parts.count == 5)
        #expect(arms[3].steps[0].prompt?.parts[1] == .placeholder(name: "history", isOptional: true, last: 4))
        let model = steps[3]
        #expect(model.model == "gemma" && model.name == "answerer" && model.timeout == .seconds(60))
        #expect(model.retry?.attempts == 5 && model.retry?.initial == .milliseconds(10) && model.retry?.jitter == .zero)
        #expect(model.cache == CacheSettings(size: 10, maxBytes: 1 << 20))
        #expect(model.rateLimit == RateLimitSettings(perSecond: 0.5, burst: 2, queue: 0))
        #expect(model.fallbacks.map { $0[0].model } == ["backup", "backup", nil])
        #expect(model.fallbacks[2][0].route == "/chat")
        #expect(model.configurable.map(\.id) == ["heat", "seed", "llm"])
        #expect(model.configurable[2].alternatives.map(\.key) == ["other", "long"])
        #expect(steps[4].parser == .numberedList)
        #expect(steps[5].map?.count == 3)
        #expect(steps[7].pick == .several(["b", "a"]) && steps[8].pick == .one("a"))
    }

    @Test(arguments: [exampleRoutes, everyStep])
    func `the effective configuration loads again and is equal`(_ routes: String) throws {
        let loaded = try configuration(pipelines(routes), environment: ["not": "a $$ \"{b}\" \u{2028}"])
        let printed = EffectiveConfiguration.yaml(loaded)
        let again = try configuration(printed)
        #expect(EffectiveConfiguration.yaml(again) == printed)
        #expect(again.routes.map(\.pipeline) == loaded.routes.map(\.pipeline))
    }

    @Test func `a key with nothing behind it means its defaults`() throws {
        let text = pipelines("/r: {pipeline: [{model: gemma, retry: , cache: }, {passthrough: }]}")
        let steps = try #require(try configuration(text).route("/r")?.pipeline)
        #expect(steps[0].retry == RetrySettings())
        #expect(steps[0].cache == CacheSettings())
        #expect(steps[1].isPassthrough)
    }

    @Test func `one step needs no list`() throws {
        let one = try configuration(pipelines("/r: {pipeline: {model: gemma}}"))
        let list = try configuration(pipelines("/r: {pipeline: [{model: gemma}]}"))
        #expect(one == list)
    }

    // MARK: Shapes

    private func shapes(_ text: String) throws -> PipelineChecks { PipelineChecks(try configuration(pipelines(text))) }

    @Test(arguments: ["/summarise", "/compare"])
    func `the example takes two texts`(_ path: String) throws {
        let shape = try shapes(exampleRoutes).shape(of: path)
        let members = ["text", "words"].map { Shape.Member(key: $0, shape: .string) }
        #expect(shape.input == .object(Shape.Members(all: members)))
        let schema = JSONSchema.document(shape.input, title: "input")
        #expect(schema["required"] == ["text", "words"])
        #expect(schema["properties"]?["words"] == ["title": "Words", "type": "string"])
    }

    @Test func `the examples give a text and an object`() throws {
        let shapes = try shapes(exampleRoutes)
        #expect(shapes.shape(of: "/summarise").output == .string)
        let members = [Shape.Member(key: "short", shape: .string), Shape.Member(key: "long", shape: .message)]
        #expect(shapes.shape(of: "/compare").output == .object(Shape.Members(all: members)))
    }

    /// What a route takes, as a list of members: `?` for those that need not be there, `...` where others pass.
    @Test(arguments: [
        ("[{model: gemma}]", "a prompt"), ("[{parser: json}]", "a model's answer"),
        ("[{prompt: hello}]", ""), ("[{prompt: {placeholder: h}}]", "h"),
        ("[{prompt: {messages: [{placeholder: h, optional: true}, {human: \"{q}\"}]}}]", "h? q"),
        ("[{prompt: \"{a} {b}\", configurable: {b: {default: x}}}]", "a"),
        ("[{prompt: \"{a} {b}\", configurable: {b: {alternatives: {o: {prompt: \"{a}\"}}}}}]", "a b?"),
        ("[{map: {prompt: \"{x}\"}}]", "a list (each an object of x)"),
        ("[{pick: a}, {prompt: \"{x}\"}]", "a ..."), ("[{pick: [a, b]}, {prompt: \"{a}\"}]", "a b? ..."),
        ("[{assign: {b: {prompt: \"{a}\"}}}, {prompt: \"{b} {c}\"}]", "c a ..."),
        ("[{assign: {b: {model: gemma}}}]", "text ..."),
        ("[{parallel: {a: {passthrough: }, b: {prompt: \"{x}\"}}}]", "x ..."),
        ("[{passthrough: }, {prompt: \"{x}\"}]", "x"), ("[{passthrough: }]", "any value"),
        (
            "[{branch: [{if: {field: l.x, equals: a}, then: {prompt: \"{x}\"}}, {else: {prompt: \"{x} {y}\"}}]}]",
            "x y? l?"
        ),
        ("[{branch: [{if: {field: l, equals: a}, then: {model: gemma}}, {else: {model: backup}}]}]", "text l?"),
        ("[{branch: [{if: {field: l, equals: a}, then: {passthrough: }}, {else: {pick: x}}]}]", "l? ..."),
        ("[{branch: [{if: {is: string}, then: {passthrough: }}, {else: {pick: x}}]}]", "any value"),
        ("[{branch: [{if: {is: string}, then: {model: gemma}}, {else: {prompt: \"{x}\"}}]}]", "any value"),
        ("[{model: gemma, fallbacks: [[{prompt: \"{x}\"}, {model: gemma}]]}]", "any value"),
        ("[{parallel: {a: {model: gemma}, b: {prompt: \"{text}\"}}}]", "text"),
        ("[{parallel: {a: {model: gemma}, b: {parser: string}}}]", "a text"),
        ("[{route: /m}, {parser: string}]", "a prompt"),
    ])
    func `what a pipeline takes`(_ steps: String, _ expected: String) throws {
        let shape = try shapes("/m: {model: gemma}\n/r: {pipeline: \(steps)}").shape(of: "/r").input
        guard case .object(let members) = shape else {
            #expect(shape.description == expected)
            return
        }
        let names = members.all.map { $0.isRequired ? $0.key : $0.key + "?" } + (members.isOpen ? ["..."] : [])
        #expect(names.joined(separator: " ") == expected)
    }

    @Test func `what is checked at load holds when it runs`() async throws {
        let text = """
            backends: {echo: {dialect: mock, mock: {reply: echo}}, words: {dialect: mock, mock: {tokens: 2}}}
            models: {echo: {backend: echo}, words: {backend: words}}
            routes:
              /branch:
                pipeline:
                  - branch: [{if: {field: language, equals: de}, then: {model: echo}}, {else: {model: words}}]
                  - parser: string
              /again: {pipeline: [{model: echo}, {prompt: "Again: {x}"}, {model: echo}, {parser: string}]}
              /both: {pipeline: [{parallel: {a: [{prompt: "{x}"}, {model: echo}, {parser: string}], all: {passthrough: }}}]}
              /say:
                pipeline:
                  - {prompt: "Say {n} of {t}", configurable: {n: {default: 5, type: integer}}}
                  - {model: echo}
                  - {parser: string}
            """
        let asked: [(path: String, body: String, output: Value)] = [
            ("/branch", #"{"input":{"text":"hallo","language":"de"}}"#, "hallo"),
            ("/branch", #"{"input":{"text":"hallo"}}"#, "the river"),
            ("/again", #"{"input":"hi"}"#, "Again: hi"),
            ("/both", #"{"input":{"y":[2],"x":"1"}}"#, ["a": "1", "all": ["y": [2], "x": "1"]]),
            ("/say", #"{"input":{"t":"x"}}"#, "Say 5 of x"),
            ("/say", #"{"input":{"t":"x"},"config":{"configurable":{"n":7}}}"#, "Say 7 of x"),
        ]
        try await TestGateway.run(text) { gateway in
            for (path, body, output) in asked {
                let reply = try await gateway.post("\(path)/invoke", body)
                #expect(reply.status == 200)
                #expect(try Value(parsing: reply.text)["output"] == output)
            }
        }
    }

    // MARK: Size

    @Test func `routes that use the next one twice load at once`() async throws {
        var routes = (0..<40).map { number in
            "/r\(number): {pipeline: [{branch: [{if: {field: x, exists: true}, then: {route: /r\(number + 1)}}, "
                + "{else: {route: /r\(number + 1)}}]}]}"
        }
        routes.append("/r40: {pipeline: [{prompt: \"{x}\"}, {model: gemma}]}")
        let text = pipelines(routes.joined(separator: "\n"))
        let shapes = PipelineChecks(try configuration(text))
        #expect(shapes.shape(of: "/r0").input == .object(Shape.Members(all: [Shape.Member(key: "x", shape: .string)])))
        try await TestGateway.run(text) { gateway in
            let reply = try await gateway.send(TestRequest(method: "GET", path: "/r0/output_schema"))
            #expect(reply.status == 200)
            #expect(reply.text.utf8.count < 100_000)
            let steps = try await gateway.send(TestRequest(method: "GET", path: "/openapi.json"))
            #expect(steps.status == 200)
        }
    }

    @Test func `what would run thousands of steps for one input is refused`() {
        var routes = (0..<10).map { number in
            "/r\(number): {pipeline: [{parallel: {a: {route: /r\(number + 1)}, b: {route: /r\(number + 1)}}}]}"
        }
        routes.append("/r10: {pipeline: [{prompt: \"{x}\"}, {model: gemma}]}")
        let found = mistakes(pipelines(routes.joined(separator: "\n")))
        #expect(
            found.map { $0.split(separator: " ")[1] } == [
                "routes./r0.pipeline:", "routes./r1.pipeline:", "routes./r2.pipeline:",
            ]
        )
        #expect(found.allSatisfy { $0.hasSuffix("can run more than 1000 steps for one input") })
    }

    @Test func `steps that double what passes load at once`() throws {
        let doubling = Array(repeating: "{parallel: {a: {passthrough: }, b: {passthrough: }}}", count: 40)
        let steps = doubling.joined(separator: ", ")
        let branches = (0..<40).map { _ in
            "{branch: [{if: {field: a, exists: true}, then: {pick: a}}, {else: {pick: b}}]}"
        }
        let text = "/r: {pipeline: [\(steps)]}\n/s: {pipeline: [\(branches.joined(separator: ", "))]}"
        let shapes = try shapes(text)
        // So small that it can be looked at whole.
        for shape in [shapes.shape(of: "/r").output, shapes.shape(of: "/s").input] { #expect(shape.bounded == shape) }
    }
}
