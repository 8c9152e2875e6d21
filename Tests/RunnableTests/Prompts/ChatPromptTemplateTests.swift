import Runnable
import Synchronization
import Testing

@Suite
struct ChatPromptTemplateTests {
    private func messages(_ template: ChatPromptTemplate, _ input: RunValue) throws -> [Message] {
        try template.format(input).messages
    }

    private func failure(_ template: ChatPromptTemplate, _ input: RunValue) -> String? {
        let error = #expect(throws: RunError.self) { try template.format(input) }
        #expect(error?.code == .callerInvalid && error?.status == 422)
        return error?.message
    }

    // MARK: Messages

    @Test("LS-136 roles, and the prompt as text")
    func roles() throws {
        let template = try ChatPromptTemplate(messages: [
            (role: "system", template: "{a}"), (role: "human", template: "h"), (role: "user", template: "{b}"),
            (role: "ai", template: "x"), (role: "assistant", template: "{a}{b}"),
        ])
        let prompt = try template.format(["a": "s", "b": 2])
        #expect(prompt.messages == [.system("s"), .human("h"), .human("2"), .ai("x"), .ai("s2")])
        #expect(prompt.text == "System: s\nHuman: h\nHuman: 2\nAI: x\nAI: s2")
        #expect(template.name == "ChatPromptTemplate" && template.kind == .prompt && !prompt.isText)
    }

    @Test("LS-136 other roles are refused", arguments: ["robot", "", "System", "tool", "function", "chat"])
    func unknownRole(_ role: String) {
        #expect(throws: PromptTemplateError.malformed("there is no role '\(role)'")) {
            try ChatPromptTemplate(messages: [(role: role, template: "x")])
        }
    }

    @Test("LS-136 messages as they are, are not templates")
    func literals() throws {
        let literals: [Message] = [.system("{a} }{ {{"), Message(role: .human, content: .blocks(["{a}"]))]
        let template = ChatPromptTemplate(literals.map { .literal($0) })
        #expect(template.variables.isEmpty)
        #expect(try messages(template, [:]) == literals)
    }

    @Test("LS-136 all strings in content blocks are templates, keys and other values are not")
    func blocks() throws {
        let template = ChatPromptTemplate([
            .blocks(
                .human,
                try BlocksTemplate([
                    ["type": "text", "text": "Look at {what}, {{a}}"],
                    ["type": "image_url", "{key}": ["url": "{url}", "deep": [["{what}", 1.50, nil, true]]]],
                    "{what}",
                ])
            )
        ])
        #expect(template.variables == ["url", "what"])
        #expect(
            try messages(template, ["what": "this", "url": "http://x"]) == [
                Message(
                    role: .human,
                    content: .blocks([
                        ["type": "text", "text": "Look at this, {a}"],
                        ["type": "image_url", "{key}": ["url": "http://x", "deep": [["this", 1.50, nil, true]]]],
                        "this",
                    ])
                )
            ]
        )
        #expect(failure(template, ["what": "this"]) == "prompt: missing variable 'url'")
        #expect(throws: PromptTemplateError.self) { try BlocksTemplate([["text": ["{"]]]) }
    }

    // MARK: Placeholders

    private static let placeholder = ChatPromptTemplate([.placeholder("h")])

    @Test(
        "LS-136 a placeholder takes messages, pairs of role and text, and texts",
        arguments: [
            (.list([.message(.ai("x")), .string("y")]), [.ai("x"), .human("y")]),
            (["a", "b"], [.human("a"), .human("b")]),
            ([["system", "s"], ["user", "u"], ["assistant", "a"]], [.system("s"), .human("u"), .ai("a")]),
            ([["role": "user", "content": "u"], ["type": "ai", "content": "a"]], [.human("u"), .ai("a")]),
            (.list([.chunk(MessageChunk(text: "c")), ["human", "h"]]), [.ai("c"), .human("h")]),
            (.prompt(ChatPrompt(messages: [.system("s"), .ai("a")])), [.system("s"), .ai("a")]), ([], []),
        ] as [(RunValue, [Message])]
    )
    func placeholders(_ history: RunValue, _ expected: [Message]) throws {
        var members = RunValue.Members("h", history)
        #expect(try messages(Self.placeholder, RunValue(members)) == expected)
        members["more"] = 1
        #expect(try messages(Self.placeholder, RunValue(members)) == expected)
    }

    @Test(
        "LS-136 what is no list of messages is refused",
        arguments: [
            ("text", "a string"), (1, "an integer"), (nil, "null"), (["role": "user", "content": "x"], "an object"),
            ([1], "a list"), ([["robot", "x"]], "a list"), ([["user", "x", "y"]], "a list"),
            ([["tool", "x"]], "a list"),
            ([["role": "user"]], "a list"), (.message(.ai("x")), "a message"),
        ] as [(RunValue, String)]
    )
    func noMessages(_ history: RunValue, _ what: String) {
        let input = RunValue(RunValue.Members("h", history))
        #expect(
            failure(Self.placeholder, input) == "prompt: variable 'h': expected a list of messages, not \(what)"
        )
    }

    @Test("LS-136 a placeholder's messages may be missing when it is optional")
    func optional() throws {
        #expect(failure(Self.placeholder, [:]) == "prompt: missing variable 'h'")
        let template = try ChatPromptTemplate(messages: [
            (role: "placeholder", template: "{h}"), (role: "human", template: "{q}"),
        ])
        #expect(template.variables == ["q"] && template.placeholders == ["h"])
        #expect(try messages(template, ["q": "x"]) == [.human("x")])
        #expect(try messages(template, ["q": "x", "h": nil]) == [.human("x")])
        #expect(try messages(template, ["q": "x", "h": [["ai", "{q}"]]]) == [.ai("{q}"), .human("x")])
        #expect(failure(template, ["q": "x", "h": "y"])?.contains("'h'") == true)
        for text in ["h", "{h", "h}", "{}", ""] {
            #expect(throws: PromptTemplateError.malformed("a placeholder is {name}")) {
                try ChatPromptTemplate(messages: [(role: "placeholder", template: text)])
            }
        }
    }

    @Test(
        "LS-136 the last n messages",
        arguments: [(1, ["c"]), (2, ["b", "c"]), (9, ["a", "b", "c"]), (0, []), (-1, [])]
    )
    func last(_ count: Int, _ expected: [String]) throws {
        let template = ChatPromptTemplate([.placeholder("h", last: count)])
        #expect(try messages(template, ["h": ["a", "b", "c"]]).map(\.content.text) == expected)
    }

    // MARK: Variables

    @Test("LS-135 variables are sorted and unique; missing ones are named, extra ones ignored")
    func variables() throws {
        let template = try ChatPromptTemplate(messages: [
            (role: "system", template: "{z}{a}"), (role: "human", template: "{a}{m} {{no}}"),
        ])
        #expect(template.variables == ["a", "m", "z"])
        #expect(try messages(template, ["z": 1, "a": 2, "m": 3, "x": 4]).map(\.content.text) == ["12", "23 {no}"])
        #expect(failure(template, ["z": 1, "a": 2]) == "prompt: missing variable 'm'")
    }

    @Test("LS-135 a single variable takes a bare value")
    func bareValue() throws {
        let text = try ChatPromptTemplate("Hi {name}")
        let prompt = try text.format("Bob")
        #expect(prompt == ChatPrompt("Hi Bob") && prompt.isText && prompt.text == "Hi Bob")
        #expect(text.name == "PromptTemplate")
        #expect(try text.format(7).text == "Hi 7")
        #expect(try text.format(.message(.ai("Ann"))).text == "Hi Ann")
        #expect(try text.format(["x", 1]).text == "Hi ['x', 1]")
        #expect(try messages(Self.placeholder, ["a"]) == [.human("a")])
    }

    @Test("LS-135 a bare value for another number of variables is refused")
    func noBareValue() throws {
        let (two, none) = (try ChatPromptTemplate("{a}{b}"), try ChatPromptTemplate("none"))
        #expect(failure(two, "x") == "prompt: expected an object with: a, b")
        #expect(failure(none, "x") == "prompt: expected an object")
        #expect(
            failure(ChatPromptTemplate([.placeholder("h", isOptional: true)]), ["x"]) == "prompt: expected an object"
        )
        let one = try ChatPromptTemplate("{a}{b}").partial(["b": "2"])
        #expect(try one.format("1").text == "12")
    }

    @Test("messages and prompts are their texts in a template, however deep")
    func texts() throws {
        let template = try ChatPromptTemplate("{m}|{c}|{p}|{l}|{o}")
        let input: RunValue = [
            "m": .message(.ai("x")), "c": .chunk(MessageChunk(text: "y")), "p": .prompt(ChatPrompt("z")),
            "l": .list([.message(.ai("a")), ["b"]]), "o": .object(RunValue.Members("k", .message(.ai("v")))),
        ]
        #expect(try template.format(input).text == "x|y|z|['a', ['b']]|{'k': 'v'}")
    }

    @Test("LS-136 values and functions that are bound; the input counts more")
    func partial() throws {
        let calls = Calls()
        let template = try ChatPromptTemplate("{a} {b} {c}").partial(["a": "1"]).partial(["b": { calls.next() }])
        #expect(template.variables == ["c"])
        #expect(try template.format("x").text == "1 0 x")
        #expect(try template.format(["c": "x"]).text == "1 1 x")
        #expect(try template.format(["c": "x", "a": "own", "b": "own"]).text == "own own x")
        #expect(try template.format("x").text == "1 2 x")
        #expect(try ChatPromptTemplate("{a}{b}").variables == ["a", "b"])
    }

    @Test("LS-136 prompts add up with what they have bound")
    func addition() throws {
        let first = try ChatPromptTemplate(messages: [(role: "system", template: "{a}{b}")]).partial(["a": "1"])
        let second = try ChatPromptTemplate(messages: [(role: "human", template: "{b}{c}")]).partial(["c": "3"])
        let sum = first + second + ChatPromptTemplate([.literal(.ai("{x}"))])
        #expect(sum.variables == ["b"])
        #expect(try messages(sum, "2") == [.system("12"), .human("23"), .ai("{x}")])
        #expect(first.variables == ["b"] && second.variables == ["b"])
    }

    // MARK: As a runnable

    @Test("all methods, and a single piece however the input comes")
    func methods() async throws {
        let template = try ChatPromptTemplate("{a}{b}")
        let whole: RunValue = ["a": "x", "b": "y"]
        #expect(try template.invoke(whole).text == "xy")
        #expect(try await template.ainvoke(whole).text == "xy")
        #expect(try await template.astream(whole).collect().map(\.text) == ["xy"])
        #expect(try await template.abatch([whole, whole]).map(\.text) == ["xy", "xy"])
        let pieces: [RunValue] = [["a": "x"], ["b": "y"], ["a": "z"]]
        #expect(try await template.atransform(.elements(pieces)).collect().map(\.text) == ["xzy"])
        await #expect(throws: RunError.self) { try await template.ainvoke("x") }
    }

    @Test("a prompt's events have its input and the prompt, or the failure")
    func events() async throws {
        let log = EventLog()
        let template = try ChatPromptTemplate("Hi {name}")
        _ = try await template.ainvoke("Bob", config: RunConfig().observed(by: log))
        #expect(log.lines == ["PromptTemplate start \"Bob\"", "PromptTemplate end Hi Bob of \"Bob\""])
        #expect(log.all.allSatisfy { $0.kind == .prompt })
        let failed = EventLog()
        await #expect(throws: RunError.self) {
            try await template.ainvoke([:], config: RunConfig().observed(by: failed))
        }
        #expect(failed.lines.count == 2 && failed.lines[1].hasPrefix("PromptTemplate error"))
    }

    /// Counts its calls.
    private final class Calls: Sendable {
        private let count = Atomic(0)

        func next() -> RunValue { .value(.integer(count.add(1, ordering: .relaxed).oldValue)) }
    }
}
