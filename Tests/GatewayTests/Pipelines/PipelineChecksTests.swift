import Testing

@testable import Gateway

@Suite struct PipelineChecksTests {
    private static let kinds = "prompt, model, parser, parallel, branch, map, assign, pick, route, passthrough"

    /// The steps of a route, and all that is said of them, behind the place of the pipeline.
    @Test(
        arguments: [
            // Names
            ("[{model: gema}]", ["[0].model: there is no model called \"gema\"; did you mean \"gemma\"?"]),
            ("[{route: /x}]", ["[0].route: there is no route called \"/x\"; did you mean \"/r\"?"]),
            (
                "[{parallel: {a: [{map: {model: x}}], b: {route: /nowhere}}}, {model: gemma, fallbacks: [y, {model: z}]}]",
                [
                    "[0].parallel.a[0].map.model: there is no model called \"x\"; expected one of gemma, backup",
                    "[0].parallel.b.route: there is no route called \"/nowhere\"; expected /r",
                    "[1].model: needs a text, a prompt or messages, but gets an object of a, b",
                    "[1].fallbacks[0]: there is no model called \"y\"; expected one of gemma, backup",
                    "[1].fallbacks[0]: needs a text, a prompt or messages, but gets an object of a, b",
                    "[1].fallbacks[1].model: there is no model called \"z\"; expected one of gemma, backup",
                    "[1].fallbacks[1].model: needs a text, a prompt or messages, but gets an object of a, b",
                ]
            ),
            // Keys
            ("[{model: gemma, parser: json}]", ["[0].parser: cannot stand beside model: a step does one thing"]),
            ("[{name: x}, {parser: string}]", ["[0]: says nothing to do: expected one of \(kinds)"]),
            ("[{modle: gemma}, {pick: a}, {parser: string}]", ["[0].modle: no such key; did you mean \"model\"?"]),
            ("[gemma]", ["[0]: expected a step such as {model: NAME}, found \"gemma\""]),
            ("gemma", [": expected a step such as {model: NAME}, or a list of steps, found \"gemma\""]),
            ("[]", [": expected at least one step"]),
            ("[{parallel: {}}, {pick: a}]", ["[0].parallel: expected at least one name with its steps"]),
            (
                "[{parser: yaml}]",
                ["[0].parser: expected one of string, json, list, numbered_list, markdown_list, found \"yaml\""]
            ),
            ("[{passthrough: yes}]", ["[0].passthrough: expected nothing, or {}, found \"yes\""]),
            ("[{model: gemma, fallbacks: []}]", ["[0].fallbacks: expected at least one name of a model, or steps"]),
            ("[{model: gemma, retry: 3}]", ["[0].retry: expected a mapping, found 3"]),
            ("[{model: gemma, rate_limit: }]", ["[0].rate_limit.per_second: is required: number, 0.001 to 1000000.0"]),
            ("[{parser: string, cache: }]", ["[0].cache: only has a meaning for a model or a route"]),
            // Prompts
            ("[{prompt: \"a {\"}, {model: gemma}]", ["[0].prompt: invalid template: a '{' is not closed"]),
            (
                "[{prompt: {messages: [{human: a}, {system: \"}\"}], human: \"{}\"}}]",
                [
                    "[0].prompt.messages[1].system: invalid template: single '}'; write '}}' for a brace",
                    "[0].prompt.human: invalid template: a field needs a name",
                ]
            ),
            (
                "[{prompt: {human: \"{{#a}}\", format: mustache}}]",
                ["[0].prompt.human: invalid template: section 'a' is not closed"]
            ),
            ("[{prompt: {humn: a}}]", ["[0].prompt.humn: no such key; did you mean \"human\"?"]),
            ("[{prompt: {}}]", ["[0].prompt: expected at least one message, such as {human: \"{question}\"}"]),
            (
                "[{prompt: {messages: []}}]",
                ["[0].prompt: expected at least one message, such as {human: \"{question}\"}"]
            ),
            (
                "[{prompt: {human: [a]}}]",
                ["[0].prompt.human: expected a template, such as \"Summarise: {text}\", found a list"]
            ),
            ("[{prompt: {text: a, human: b}}]", ["[0].prompt: has both a text and messages; keep one of them"]),
            (
                "[{prompt: {messages: [{human: a, ai: b}]}}]",
                ["[0].prompt.messages[0]: expected one role with its text"]
            ),
            (
                "[{prompt: {human: a, format: jinja}}]",
                ["[0].prompt.format: expected one of fstring, mustache, found \"jinja\""]
            ),
            (
                "[{prompt: {messages: [{placeholder: h, lst: 2}]}}]",
                ["[0].prompt.messages[0].lst: no such key; did you mean \"last\"?"]
            ),
            (
                "[{prompt: {messages: [{placeholder: h, last: 0}]}}]",
                ["[0].prompt.messages[0].last: expected a whole number from 1 to 100000, found 0"]
            ),
            // Variables that are not there
            (
                "[{parallel: {a: {prompt: \"{x}\"}, bb: {prompt: \"{y}\"}}}, {prompt: \"{a} {bc}\"}]",
                ["[1].prompt: needs the variable \"bc\", but what comes here has a, bb; did you mean \"bb\"?"]
            ),
            (
                "[{pick: [a, b]}, {prompt: \"{a} {c}\"}]",
                ["[1].prompt: needs the variable \"c\", but what comes here has a, b"]
            ),
            (
                "[{parallel: {a: {pick: x}}}, {assign: {b: {prompt: \"{z}\"}}}, {prompt: \"{a} {b} {c}\"}]",
                [
                    "[1].assign.b.prompt: needs the variable \"z\", but what comes here has a",
                    "[2].prompt: needs the variable \"c\", but what comes here has a, b",
                ]
            ),
            (
                "[{model: gemma}, {parser: string}, {prompt: \"{a} {b}\"}]",
                ["[2].prompt: needs the variables a, b, but gets a text"]
            ),
            (
                "[{model: gemma}, {prompt: hello}]",
                ["[1].prompt: has no variable that could take a model's message, which comes here"]
            ),
            // Steps that cannot follow each other
            (
                "[{prompt: \"{a}\"}, {parser: json}]",
                ["[1].parser: needs a model's answer or a text, but gets a prompt"]
            ),
            (
                "[{prompt: \"{a}\"}, {prompt: \"{b}\"}]",
                ["[1].prompt: needs an object of its variables, but gets a prompt"]
            ),
            (
                "[{model: gemma}, {model: backup}]",
                ["[1].model: needs a text, a prompt or messages, but gets a model's message"]
            ),
            ("[{model: gemma}, {parser: string}, {map: {model: gemma}}]", ["[2].map: needs a list, but gets a text"]),
            (
                "[{model: gemma}, {assign: {a: {passthrough: }}}]",
                ["[1].assign: needs an object, but gets a model's message"]
            ),
            (
                "[{model: gemma}, {parser: list}, {pick: a}]",
                ["[2].pick: needs an object, but gets a list (each a text)"]
            ),
            (
                "[{parallel: {aa: {pick: x}}}, {pick: ab}]",
                ["[1].pick: takes the member \"ab\", but what comes here has aa; did you mean \"aa\"?"]
            ),
            ("[{pick: [a, b, a]}]", ["[0].pick[2]: is named twice"]),
            (
                "[{parallel: {a: {map: {prompt: \"{x}\"}}, b: {prompt: \"{x}\"}}}]",
                ["[0]: gets one input, but its parts need a list (each an object of x) and an object of x"]
            ),
            // Branches
            (
                "[{branch: [{if: {field: l, equals: a}, then: {model: gemma}}]}]",
                ["[0].branch[0]: the last arm must be {else: ...}, for all that passes no test"]
            ),
            (
                "[{branch: [{else: {model: gemma}}]}]",
                ["[0].branch: expected at least one {if: ..., then: ...} and an {else: ...}"]
            ),
            ("[{branch: []}]", ["[0].branch: expected at least one {if: ..., then: ...} and an {else: ...}"]),
            (
                "[{branch: [{else: {model: gemma}}, {else: {model: gemma}}]}]",
                ["[0].branch[0].else: only the last arm can be {else: ...}"]
            ),
            ("[{branch: [{if: {is: list}}, {else: {passthrough: }}]}]", ["[0].branch[0].then: is required"]),
            (
                "[{branch: [{if: {field: l}, then: {model: gemma}}, {else: {model: gemma}}]}]",
                [
                    "[0].branch[0].if: tests nothing: expected one of equals, in, exists, contains, starts_with, above, below, "
                        + "longer, is"
                ]
            ),
            (
                "[{branch: [{if: {field: a..b, above: x, in: [], is: text, eqals: 1}, then: {model: gemma}}, {else: {model: gemma}}]}]",
                [
                    "[0].branch[0].if.field: expected names with one dot between them, found \"a..b\"",
                    "[0].branch[0].if.above: expected a number, found \"x\"",
                    "[0].branch[0].if.in: expected at least one value",
                    "[0].branch[0].if.is: expected one of string, number, boolean, list, object, null, found \"text\"",
                    "[0].branch[0].if.eqals: no such key; did you mean \"equals\"?",
                ]
            ),
            (
                "[{parallel: {a: {pick: x}}}, {branch: [{if: {field: b, is: list}, then: {pick: a}}, {else: {pick: a}}]}]",
                ["[1].branch[0].if.field: looks at the member \"b\", but what comes here has a"]
            ),
            (
                "[{parser: string}, {branch: [{if: {field: b, is: list}, then: {model: gemma}}, {else: {model: gemma}}]}]",
                ["[1].branch[0].if.field: looks at the member \"b\", but what comes here is a text"]
            ),
            // What callers choose
            (
                "[{prompt: \"{style} {x}\", configurable: {stile: {default: a}}}]",
                ["[0].configurable.stile: the prompt has no variable called \"stile\"; did you mean \"style\"?"]
            ),
            (
                "[{prompt: \"{a}\", configurable: {a: }}]",
                ["[0].configurable.a: needs a default, as the input no longer brings it"]
            ),
            (
                "[{model: gemma, configurable: {messages: , s: {sets: stream}}}]",
                [
                    "[0].configurable.messages: cannot set \"messages\": the messages come from the caller",
                    "[0].configurable.s: cannot set \"stream\": the endpoint decides whether to stream",
                ]
            ),
            (
                "[{model: gemma, configurable: {a: {sets: temperature}, temperature: }}]",
                ["[0].configurable.temperature: sets \"temperature\", which a sets already"]
            ),
            (
                "[{model: gemma, configurable: {n: {type: integer, default: 1.5}}}]",
                ["[0].configurable.n.default: expected a integer, found 1.5"]
            ),
            (
                "[{parser: string, configurable: {a: {default: 1}}}]",
                [
                    "[0].configurable.a: only a model's parameters and a prompt's variables can be set; others have alternatives"
                ]
            ),
            (
                "[{model: gemma, configurable: {llm: {type: string, default: b, alternatives: {default: {model: b}}}}}]",
                [
                    "[0].configurable.llm.type: cannot stand beside alternatives",
                    "[0].configurable.llm.default: cannot stand beside alternatives: who chooses none of them gets the step itself",
                    "[0].configurable.llm.alternatives.default: is the name of the step itself",
                    "[0].configurable.llm.alternatives.default.model: there is no model called \"b\"; expected one of gemma, backup",
                ]
            ),
        ] as [(String, [String])]
    )
    func `each mistake is told once`(_ steps: String, _ expected: [String]) {
        // All stand on one line, so that only what is said counts, not the order.
        #expect(stepMistakes(steps).sorted() == expected.sorted())
    }

    @Test func `mistakes of all kinds are told at once, by line and key`() {
        let found = mistakes(
            pipelines(
                """
                /a:
                  pipeline:
                    - prompt: "{x"
                    - model: gemma
                      fallbacks:
                        - bakup
                    - parser: string
                    - pick: a
                /b:
                  pipeline:
                    - parallel:
                        x: {route: /a}
                        y:
                          - passthrough:
                          - colour: red
                    - prompt: "{x} {z}"
                /c: {model: gema}
                """
            ) + "\nsurprise: 1"
        )
        #expect(
            found.map { $0.replacing("headgate.yaml:", with: "").replacing(/; .*/, with: "") } == [
                "6: routes./a.pipeline[0].prompt: invalid template: a '{' is not closed",
                "9: routes./a.pipeline[1].fallbacks[0]: there is no model called \"bakup\"",
                "11: routes./a.pipeline[3].pick: needs an object, but gets a text",
                "18: routes./b.pipeline[0].parallel.y[1].colour: no such key",
                "19: routes./b.pipeline[1].prompt: needs the variable \"z\", but what comes here has x, y",
                "20: routes./c.model: there is no model called \"gema\"",
                "21: surprise: no such key",
            ]
        )
    }

    // MARK: Cycles

    @Test(arguments: [
        ("/a: {pipeline: [{route: /a}]}", ["4: routes./a.pipeline[0].route: is a cycle: /a -> /a"]),
        (
            "/a: {pipeline: [{route: /b}]}\n/b: {pipeline: [{route: /a}]}",
            ["5: routes./b.pipeline[0].route: is a cycle: /a -> /b -> /a"]
        ),
        (
            "/a: {pipeline: [{parallel: {x: {route: /b}}}]}\n/b: {pipeline: [{model: gemma, fallbacks: [{route: /c}]}]}\n"
                + "/c: {pipeline: [{branch: [{if: {is: list}, then: {route: /a}}, {else: {model: gemma}}]}]}",
            ["6: routes./c.pipeline[0].branch[0].then.route: is a cycle: /a -> /b -> /c -> /a"]
        ),
        (
            "/a: {pipeline: [{model: gemma, configurable: {l: {alternatives: {o: [{assign: {x: {route: /a}}}]}}}}]}",
            [
                "4: routes./a.pipeline[0].configurable.l.alternatives.o[0].assign.x.route: is a cycle: /a -> /a"
            ]
        ),
        (
            "/a: {pipeline: [{map: {route: /b}}]}\n/b: {pipeline: [{route: /b}, {route: /a}]}",
            [
                "5: routes./b.pipeline[0].route: is a cycle: /b -> /b",
                "5: routes./b.pipeline[1].route: is a cycle: /a -> /b -> /a",
            ]
        ),
    ])
    func `routes that lead to themselves are refused`(_ routes: String, _ expected: [String]) {
        let found = mistakes(pipelines(routes)).map { $0.replacing("headgate.yaml:", with: "") }
        #expect(found.sorted() == expected)
    }

    @Test(arguments: [
        (
            "/m: {model: gemma}", "{model: gemma}, {route: /m}",
            "[1].route: /m needs a prompt, but gets a model's message"
        ),
        (
            "/m: {pipeline: [{prompt: \"{aa} {b}\"}]}", "{pick: [ab, b]}, {route: /m}",
            "[1].route: /m needs the member \"aa\", but what comes here has ab, b; did you mean \"ab\"?"
        ),
        (
            "/m: {pipeline: [{map: {model: gemma}}]}", "{pick: [a]}, {route: /m}",
            "[1].route: /m needs a list (each a prompt), but gets an object of a"
        ),
        (
            "/m: {pipeline: [{parser: json}]}", "{prompt: \"{a}\"}, {route: /m}",
            "[1].route: /m needs a model's answer, but gets a prompt"
        ),
    ])
    func `a route gets what it takes`(_ route: String, _ steps: String, _ expected: String) {
        let found = mistakes(pipelines("\(route)\n/r: {pipeline: [\(steps)]}"))
        #expect(found == ["headgate.yaml:5: routes./r.pipeline\(expected)"])
    }

    @Test(arguments: [false, true])
    func `routes inside each other have an end`(_ isReversed: Bool) {
        let last = PipelineChecks.maximumDepth
        func found(_ count: Int) -> [String] {
            var routes = (1..<count).map { "/r\($0): {pipeline: [{route: /r\($0 + 1)}]}" }
            routes.append("/r\(count): {pipeline: [{model: gemma}]}")
            if isReversed { routes.reverse() }
            return mistakes(pipelines(routes.joined(separator: "\n")))
        }
        #expect(found(last) == [])
        #expect(found(last + 1).count == 1)
        #expect(found(last + 1)[0].hasSuffix("route: is more than \(last) routes inside each other"))
        #expect(!found(500).isEmpty)
    }

    @Test func `one id takes the same values everywhere`() {
        let inner =
            "{model: gemma, configurable: {heat: {sets: temperature}, llm: {alternatives: {b: {model: backup}}}}}"
        let same = "{route: /i}, {prompt: \"{x}\"}, {model: gemma, configurable: {heat: {sets: top_p}}}"
        #expect(mistakes(pipelines("/i: {pipeline: \(inner)}\n/r: {pipeline: [\(same)]}")) == [])
        let other = "{model: gemma, configurable: {heat: {type: string}, llm: {alternatives: {c: {model: backup}}}}}"
        let found = mistakes(
            pipelines("/i: {pipeline: \(inner)}\n/r: {pipeline: [{parallel: {a: {route: /i}, b: \(other)}}]}")
        )
        let place = "headgate.yaml:5: routes./r.pipeline[0].parallel.b.configurable"
        #expect(
            found
                == ["heat", "llm"].map {
                    "\(place).\($0): takes other values than routes./i.pipeline.configurable.\($0), which gets the same one"
                }
        )
    }

    // MARK: Secrets and size

    @Test(arguments: [
        "[{model: \"${S}\"}]", "[{route: \"${S}\"}]", "[{prompt: \"{${S}\"}]", "[{prompt: {human: \"}${S}\"}}]",
        "[{parser: \"${S}\"}]", "[{parallel: {a: {pick: x}}}, {prompt: \"{${S}}\"}]",
        "[{parallel: {a: {pick: x}}}, {pick: \"${S}\"}]", "[{pick: [\"${S}\"]}, {prompt: \"{b}\"}]",
        "[{prompt: \"{${S}} {b}\"}, {map: {pick: a}}]",
        "[{model: gemma, configurable: {a: {sets: \"${S}\"}, b: {sets: \"${S}\"}}}]",
        "[{prompt: \"{a}\", configurable: {b: {sets: \"${S}\", default: a}}}]",
        "[{parallel: {a: {pick: x}}}, {branch: [{if: {field: \"${S}.x\", is: list}, then: {pick: a}}, {else: {pick: a}}]}]",
        "[{parallel: {a: {map: {prompt: \"{${S}}\"}}, b: {prompt: \"{${S}}\"}}}]",
        "[{model: gemma, configurable: {n: {type: integer, default: \"${S}\"}}}]",
    ])
    func `the value of a variable shows in no message`(_ steps: String) {
        let found = stepMistakes(steps, environment: ["S": "canary-x5"])
        #expect(!found.isEmpty)
        #expect(!found.contains { $0.contains("canary") }, "\(found)")
    }

    @Test func `deep nesting is told, not followed`() {
        let deep = String(repeating: "{map: ", count: 70) + "{model: gemma}" + String(repeating: "}", count: 70)
        let found = stepMistakes("[\(deep)]")
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix(": is nested too deeply") == true)
    }

    @Test func `keys that other readers take for booleans are names`() throws {
        let text = pipelines("/r: {pipeline: [{parallel: {on: {pick: yes}, off: {pick: no}}}, {pick: [on, off]}]}")
        let steps = try #require(try configuration(text).route("/r")?.pipeline)
        #expect(steps[0].parallel?.map(\.key) == ["on", "off"])
        #expect(steps[1].pick == .several(["on", "off"]))
    }
}
