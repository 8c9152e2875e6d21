import MustachePrompts
import Runnable
import Testing

@Suite
struct MustacheTemplateTests {
    @Test(
        "LS-135 mustache templates are filled",
        arguments: [
            (
                "{{#xs}}[{{n}}]{{/xs}}{{^ys}}none{{/ys}} {{a.b}}", #"{"xs":[{"n":1},{"n":2}],"ys":[],"a":{"b":5}}"#,
                "[1][2]none 5"
            ),
            ("{{x}}", #"{"x":"<1>"}"#, "&lt;1&gt;"),
            ("{{x}}", #"{"x":"it's \"a\" & b"}"#, "it's &quot;a&quot; &amp; b"),
            ("{{{x}}} {{&x}} {{& x }}", #"{"x":"<1>"}"#, "<1> <1> <1>"),
            ("{{#xs}}{{.}},{{/xs}}", #"{"xs":[1,"b",1.50]}"#, "1,b,1.50,"),
            ("a{{! no {{x }}b", "{}", "ab"), ("{{#s}}yes{{/s}}", #"{"s":""}"#, ""),
            ("{{#s}}yes{{/s}}", #"{"s":"x"}"#, "yes"),
            ("{{^s}}no{{/s}}", #"{"s":null}"#, "no"), ("{{^s}}no{{/s}}{{s}}", #"{"s":0}"#, "no0"),
            ("{{s}}", #"{"s":12345678901234567890.10}"#, "12345678901234567890.10"), ("{{s}}|", #"{"s":null}"#, "|"),
            ("{{s}}", #"{"s":true}"#, "True"), ("{{#b}}{{x}}{{/b}}", #"{"b":true,"x":1}"#, "1"),
            ("{{s}}", #"{"s":["a",1.50]}"#, "['a', 1.5]"), ("{{s.1}}", #"{"s":[1,2]}"#, "2"),
            ("{{#a}}{{#b}}{{c}}{{o}}{{/b}}{{/a}}", #"{"a":{"b":[{"c":1},{"c":2}]},"o":"x"}"#, "1x2x"),
            ("{{#a}}{{gone}}{{/a}}|", #"{"a":{"b":1}}"#, "|"), (" {{#a}}\nx\n {{/a}}\ny", #"{"a":[1,2]}"#, "x\nx\ny"),
            ("{{#a}}\nx\n{{/a}}\n", #"{"a":true}"#, "x\n"), ("{ {{a}} } {", #"{"a":1}"#, "{ 1 } {"), ("", "{}", ""),
            (" ", "{}", " "), ("{{a}}\n \t", #"{"a":1}"#, "1\n \t"), ("{{#a}}\nx\n{{/a}}", #"{"a":1}"#, "x\n"),
            ("{{#a}}\nx\n{{/a}}\n{{^a}}\ny\n{{/a}}\nz", #"{"a":1}"#, "x\nz"),

            ("{", "{}", "{"),
            (" {{#a}}x{{/a}}{", #"{"a":1}"#, " x{"), ("{\"k\": {{a}}}\r\n{", #"{"a":1}"#, "{\"k\": 1}\r\n{"),
            ("\n{{a}}", #"{"a":"é\n"}"#, "\né\n"),
        ]
    )
    func filling(_ text: String, _ values: String, _ expected: String) throws {
        let template = try MustacheTemplate(text)
        let values = try #require(try Value(parsing: values).object)
        #expect(try template.format(values) == expected)
    }

    @Test("LS-135 the names at the top level are the variables, and required")
    func variables() throws {
        let template = try MustacheTemplate("{{#xs}}[{{n}}]{{/xs}}{{^c}}none{{/c}} {{a.b}} {{a}}{{.}}{{{a.c}}}")
        #expect(template.variables == ["a", "c", "xs"])
        #expect(throws: PromptTemplateError.missingVariable("c")) { try template.format(["a": 1, "xs": []]) }
        #expect(try MustacheTemplate("Hi {{name}}").values(from: "Bob") == ["name": "Bob"])
    }

    @Test(
        "what is no template, or is not supported, is refused",
        arguments: [
            "{{a", "{{a}", "{{}}", "{{ }}", "{{{a}}", "{{#a}}", "{{/a}}", "{{#a}}{{/b}}", "{{#a}}{{^b}}{{/a}}{{/b}}",
            "{{>a}}",
            "{{<a}}{{/a}}", "{{$a}}{{/a}}", "{{=<% %>=}}", "{{% CONTENT_TYPE:TEXT}}", "{{upper(a)}}", "{{a b}}",
            "{{a..b}}",
            "{{.a}}", "{{a.}}", "{{ #a}}{{/a}}", "{{é}}", "{{!a", "{{#a.}}{{/a.}}", "{{*a}}", "{{",
        ]
    )
    func refusing(_ text: String) {
        let error = #expect(throws: PromptTemplateError.self) { try MustacheTemplate(text) }
        if case .malformed = error {} else { Issue.record("\(String(describing: error))") }
    }

    @Test("sections nest 64 deep")
    func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "{{#a}}", count: depth) + "x" + String(repeating: "{{/a}}", count: depth)
        }
        #expect(try MustacheTemplate(nested(64)).format(["a": true]) == "x")
        #expect(throws: PromptTemplateError.self) { try MustacheTemplate(nested(65)) }
    }
}
