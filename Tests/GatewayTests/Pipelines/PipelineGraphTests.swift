import Testing

@testable import Gateway

@Suite struct PipelineGraphTests {
    private func graph(_ routes: String, _ path: String?, _ format: PipelineGraph.Format) throws -> String {
        PipelineGraph(try configuration(pipelines(routes), environment: ["not": "ok"]), path: path).text(format)
    }

    @Test func `draws the examples as trees`() throws {
        #expect(
            try graph(exampleRoutes, nil, .ascii) == """
                /summarise
                |   in: an object of text, words
                +-- prompt (system, human)
                +-- model gemma  [retry 3]
                |   `-- fallback 1: model backup
                `-- parser string
                    out: a text

                /compare
                |   in: an object of text, words
                `-- parallel
                    +-- short: route /summarise
                    `-- long: model gemma
                    out: an object of short, long

                """
        )
    }

    @Test func `draws the examples as flowcharts`() throws {
        #expect(
            try graph(exampleRoutes, "/summarise", .mermaid) == """
                flowchart TD
                    in0(["/summarise in, an object of text, words"])
                    step1["prompt (system, human)"]
                    in0 --> step1
                    step2["model gemma<br/>retry 3"]
                    step1 --> step2
                    step3["model backup"]
                    step2 -.->|"fallback 1"| step3
                    step4["parser string"]
                    step2 --> step4
                    step3 --> step4
                    out0(["out, a text"])
                    step4 --> out0

                """
        )
        let all = try graph(exampleRoutes, nil, .mermaid)
        for line in [
            "    subgraph route1[\"/compare\"]", "        step5[/\"parallel\"\\]", "        step5 -->|\"short\"| step6",
            "        step6[[\"route /summarise\"]]", "        step8[\\\"short, long\"/]", "    step6 -.-> in0",
        ] {
            #expect(all.contains(line + "\n"), "no \(line) in\n\(all)")
        }
    }

    @Test func `draws one of everything`() throws {
        #expect(
            try graph(everyStep, "/every", .ascii) == #"""
                /every
                |   in: an object of text, meta, history, language
                +-- passthrough  [as start]
                +-- assign
                |   +-- on: route /chat
                |   `-- a$b:
                |       +-- prompt (text)
                |       +-- model gemma
                |       `-- parser string
                +-- branch
                |   +-- language = "de":
                |   |   +-- pick text
                |   |   `-- prompt (text)
                |   +-- meta.size in 1, "1", true, null, "a$b" and meta.size is there and meta.size has "x" and meta.size \#
                begins with "$": prompt (text)
                |   +-- input > 1e-07 and input < 1e+300 and input is longer than 3 and input is an object: prompt (text)
                |   `-- else: prompt (system, messages of history, user, assistant, user)  [callers set style]
                +-- model gemma  [as answerer; at most 0.5/s; timeout 60s; retry 5; cache 10; callers set heat as \#
                temperature, seed]
                |   +-- fallback 1: model backup
                |   +-- fallback 2: model backup  [timeout 500ms]
                |   +-- fallback 3: route /chat
                |   +-- llm = other: model backup
                |   `-- llm = long: model gemma
                +-- parser numbered_list
                +-- map
                |   `-- each:
                |       +-- prompt (text)
                |       +-- model gemma
                |       `-- parser json
                +-- parallel
                |   +-- a: passthrough
                |   `-- b: passthrough
                +-- pick b, a
                `-- pick a
                    out: a list

                """#
        )
    }

    @Test func `a route with a model is its model`() throws {
        let text = try graph("/: {model: gemma, output: text}", "/", .ascii)
        #expect(text == "/\n|   in: a prompt\n`-- model gemma  [as text]\n    out: a text\n")
        #expect(try graph("/: {model: gemma}", "/none", .ascii) == "")
    }

    /// Every line must be one of the few forms that Mermaid's grammar has for what is drawn.
    @Test(arguments: [exampleRoutes, everyStep])
    func `flowcharts are made of known lines`(_ routes: String) throws {
        let label = #""[^"`\\;:%&#]*(?:(?:#\d+;|<br/>)[^"`\\;:%&#]*)*""#
        let forms = try [
            #"flowchart TD"#, #"\s*end"#, #"\s*subgraph \w+\[LABEL\]"#, #"\s*\w+ (-->|-\.->)(\|LABEL\|)? \w+"#,
            #"\s*\w+(\[LABEL\]|\(\[LABEL\]\)|\[\[LABEL\]\]|\[/LABEL\\\]|\[\\LABEL/\]|\{LABEL\})"#,
        ].map { try Regex($0.replacing("LABEL", with: label)) }
        let lines = try graph(routes, nil, .mermaid).split(separator: "\n")
        for line in lines { #expect(forms.contains { line.wholeMatch(of: $0) != nil }, "\(line)") }
        #expect(lines.count { $0.hasSuffix("end") } == lines.count { $0.contains("subgraph ") })
    }

    @Test func `labels hold nothing that means something to Mermaid`() throws {
        let names =
            ##"{parallel: {end: {passthrough: }, "a\"b`c": {passthrough: }, "direction TB": {pick: "#x;<b>:%"}}}"##
        let text = try graph("/r: {pipeline: [\(names)]}", "/r", .mermaid)
        #expect(text.contains(#"|"end"| step"#))
        #expect(text.contains("|\"a#34;b#96;c\"|"))
        #expect(text.contains("|\"#100;irection TB\"|"))
        #expect(text.contains("[\"pick #35;x#59;#60;b#62;#58;#37;\"]"))
    }
}
