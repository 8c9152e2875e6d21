import Runnable
import Testing

@Suite
struct FStringTemplateTests {
    @Test("LS-135 variables are sorted and unique, missing ones are named, extra ones ignored")
    func variables() throws {
        let template = try FStringTemplate("{b} {a:>3} {b!r} {{c}}")
        #expect(template.variables == ["a", "b"])
        #expect(try template.format(["a": 1, "b": "x", "c": 2]) == "x   1 'x' {c}")
        let error = #expect(throws: PromptTemplateError.missingVariable("a")) { try template.format(["b": "x"]) }
        #expect(error?.description == "missing variable 'a'")
    }

    @Test("LS-135 a template of one variable takes a bare value")
    func bareInput() throws {
        let template = try FStringTemplate("Hi {name}")
        #expect(try template.format(template.values(from: "Bob")) == "Hi Bob")
        #expect(try template.format(template.values(from: ["name": "Bob"])) == "Hi Bob")
        for text in ["{a}{b}", "none"] {
            let template = try FStringTemplate(text)
            #expect(throws: PromptTemplateError.notAnObject(variables: template.variables)) {
                try template.values(from: "Bob")
            }
        }
    }

    @Test(
        "LS-135 what is no template is refused",
        arguments: [
            "{a", "{", "}", "a}", "{a}}", "{{a}", "{}", "{!r}", "{:>3}", "{a.b}", "{a[0]}", "{a]}", "{0}", "{12}",
            "{²}", "{a{b}}",
            "{a:{b}}", "{a:>{b}}", "{a!x}", "{a!}", "{a!r", "{a!rr}", "{a!", "{a:", "{a:>5", "{a:q}", "{a:5x5}",
            "{a:.}", "{a:,_}",
            "{a:_,}", "{a:,,}", "{a:,x}", "{a:,s}", "{a:,n}", "{a:_c}", "{a:99999}", "{a:.99999}",
            "{a:99999999999999999999}",
        ]
    )
    func refusing(_ text: String) {
        let error = #expect(throws: PromptTemplateError.self) { try FStringTemplate(text) }
        guard case .malformed = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("errors do not hold values")
    func errors() throws {
        let error = #expect(throws: PromptTemplateError.self) { try FStringTemplate("{a:d}").format(["a": "secret"]) }
        #expect(error?.description == "variable 'a': a string cannot have type 'd'")
    }
}
