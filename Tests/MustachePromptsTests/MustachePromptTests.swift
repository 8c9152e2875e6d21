import MustachePrompts
import Runnable
import Testing

/// Mustache templates in chat prompts.
@Suite
struct MustachePromptTests {
    @Test("LS-135 messages from mustache templates; their top-level names are the prompt's variables")
    func messages() throws {
        let template = ChatPromptTemplate([
            .message(.system, try MustacheTemplate("{{#rules}}- {{.}}\n{{/rules}}")), .placeholder("history"),
            .message(.human, try MustacheTemplate("{{&user.name}} asks: {{{question}}} {no}")),
        ])
        #expect(template.variables == ["history", "question", "rules", "user"])
        let prompt = try template.format([
            "rules": ["brief", "kind"], "user": ["name": "A & B"], "question": "<why>", "history": [["ai", "{{x}}"]],
        ])
        #expect(
            prompt.messages == [.system("- brief\n- kind\n"), .ai("{{x}}"), .human("A & B asks: <why> {no}")]
        )
        let error = #expect(throws: RunError.self) { try template.format(["history": [], "rules": [], "user": [:]]) }
        #expect(error?.code == .callerInvalid && error?.message == "prompt: missing variable 'question'")
    }

    @Test("LS-135 a text from a mustache template takes a bare value")
    func text() throws {
        let template = ChatPromptTemplate(text: try MustacheTemplate("Hi {{name}}"))
        #expect(try template.format("<Bob>") == ChatPrompt("Hi &lt;Bob&gt;"))
        #expect(try template.partial(["name": "Ann"]).format([:]).text == "Hi Ann")
        let two = ChatPromptTemplate(text: try MustacheTemplate("{{a}}{{b}}"))
        let error = #expect(throws: RunError.self) { try two.format("x") }
        #expect(error?.message == "prompt: expected an object with: a, b")
    }

    @Test("messages are their texts in sections, too")
    func messagesAsValues() throws {
        let template = ChatPromptTemplate(text: try MustacheTemplate("{{#h}}{{.}}|{{/h}}{{o.last}}"))
        let input = RunValue.object(RunValue.Members("h", .list([.message(.ai("a")), "b"])))
        var members = try #require(input.members)
        members["o"] = .object(RunValue.Members("last", .message(.human("c"))))
        #expect(try template.format(RunValue(members)).text == "a|b|c")
    }

    @Test("LS-136 content blocks with mustache templates in their strings")
    func blocks() throws {
        let blocks: [Value] = [["type": "image_url", "image_url": ["url": "{{{base}}}/{{name}}.png", "{{k}}": 1]]]
        let template = ChatPromptTemplate([
            .blocks(
                .human,
                try BlocksTemplate(blocks) { text throws(PromptTemplateError) in try MustacheTemplate(text) }
            )
        ])
        #expect(template.variables == ["base", "name"])
        #expect(
            try template.format(["base": "http://x", "name": "a"]).messages.map(\.content) == [
                .blocks([["type": "image_url", "image_url": ["url": "http://x/a.png", "{{k}}": 1]]])
            ]
        )
    }
}
