import Testing

@testable import Gateway

@Suite struct YAMLReaderTests {
    @Test(arguments: [
        ("a: b: c", "1: YAML: mapping values are not allowed in this context"),
        (
            "a: [1\nb: 2",
            "2: YAML: did not find expected ',' or ']' while parsing a flow sequence that begins on line 1"
        ),
        (
            "\tfoo: 1",
            "1: YAML: found character that cannot start any token while scanning for the next token; indent with spaces, not tabs"
        ),
        (
            "listen: [::1]:80",
            "1: YAML: did not find expected node content while parsing a flow node; quote an address that begins with ["
        ),
        (
            "log: {level: ${L}}",
            "1: YAML: did not find expected ',' or '}' while parsing a flow mapping; inside { } quote variables: \"${NAME}\""
        ),
        ("a: *nowhere", "1: YAML: found undefined alias"),
        ("a: \"x", "1: YAML: found unexpected end of stream while scanning a quoted scalar"),
        ("a: 1\nb: \u{7}", "2: YAML: control characters are not allowed"),
    ])
    func reportsSyntax(_ text: String, _ expected: String) {
        #expect(mistakes(text) == ["headgate.yaml:\(expected)"])
    }

    @Test(arguments: [
        ("- 1", "headgate.yaml:1: expected a mapping, found a list"),
        ("hello", "headgate.yaml:1: expected a mapping, found a text"),
        ("", "headgate.yaml:1: routes: expected at least one route, such as /: {model: NAME}"),
        ("# only words", "headgate.yaml:1: routes: expected at least one route, such as /: {model: NAME}"),
        ("---\n", "headgate.yaml:1: routes: expected at least one route, such as /: {model: NAME}"),
    ])
    func refusesOtherShapes(_ text: String, _ expected: String) {
        #expect(mistakes(text) == [expected])
    }

    @Test func `refuses a second document`() {
        #expect(
            mistakes("---\n" + minimal + "---\nlog: {}\n") == [
                "headgate.yaml:6: expected one document, found a second one"
            ]
        )
        #expect(mistakes("%YAML 1.1\n---\n" + minimal + "...\n").isEmpty)
    }

    @Test func `reports every duplicate key with both lines`() {
        let text = """
            log:
              level: info
              access: nope
              "level": debug
            server: {max_body: 1MiB, max_body: 2MiB, max_body: 3MiB}
            log: {}
            backends: {mock: {dialect: mock}}
            models:
              demo: {backend: mock, params: {'top_p': 1, top_p: 2}}
            routes: {/: {model: demo}}
            """
        #expect(
            mistakes(text) == [
                "headgate.yaml:3: log.access: expected true or false, found \"nope\"",
                "headgate.yaml:4: log.level: is set twice, first on line 2",
                "headgate.yaml:5: server.max_body: is set twice, first on line 5",
                "headgate.yaml:5: server.max_body: is set twice, first on line 5",
                "headgate.yaml:6: log: is set twice, first on line 1",
                "headgate.yaml:9: models.demo.params.top_p: is set twice, first on line 9",
            ]
        )
    }

    @Test func `refuses keys that are no names`() {
        let text =
            minimal + """
                log:
                  1: a
                  true: b
                  ~: c
                  1.5: d
                  [x]: e
                  {x: y}: f
                  "9": g
                """
        #expect(
            mistakes(text) == [
                "headgate.yaml:5: log: expected a name as key, found 1; quote it if it is a name",
                "headgate.yaml:6: log: expected a name as key, found true; quote it if it is a name",
                "headgate.yaml:7: log: expected a name as key, found ~; quote it if it is a name",
                "headgate.yaml:8: log: expected a name as key, found 1.5; quote it if it is a name",
                "headgate.yaml:9: log: expected a name as key, found a list",
                "headgate.yaml:10: log: expected a name as key, found a mapping",
                "headgate.yaml:11: log.9: no such key; expected one of level, format, access",
            ]
        )
    }

    @Test func `follows anchors, aliases and merge keys`() throws {
        let text = """
            backends:
              one: &base
                dialect: openai
                url: http://127.0.0.1:1/v1
                timeouts: &slow {head: 9s, total: 5m}
              two:
                <<: *base
                url: http://127.0.0.1:2/v1
              three: {<<: [{max_pending: 3}, *base], timeouts: {<<: *slow, head: 1s}}
            models: {demo: {backend: two}}
            routes: {/: {model: demo}}
            """
        let loaded = try configuration(text)
        #expect(loaded.backends.map { $0.url?.port } == [1, 2, 1])
        #expect(loaded.backends.map(\.timeouts.head) == [.seconds(9), .seconds(9), .seconds(1)])
        #expect(loaded.backends.map(\.timeouts.total) == [.seconds(300), .seconds(300), .seconds(300)])
        #expect(loaded.backends.map(\.maxPending) == [1024, 1024, 3])
        #expect(
            mistakes(minimal + "log:\n  <<: 1\n") == [
                "headgate.yaml:5: log.<<: expected a mapping to merge, such as *anchor"
            ]
        )
    }

    @Test func `bounds what aliases can multiply to`() {
        var text = minimal.replacing("backend: mock", with: "backend: mock, params: {x: *i}")
        let bomb = "x: &a [1,1,1,1,1,1,1,1,1,1]\n"
        let levels = zip("abcdefgh", "bcdefghi").map { from, to in
            "\(to): &\(to) [\(Array(repeating: "*\(from)", count: 10).joined(separator: ","))]\n"
        }
        text = bomb + levels.joined() + text
        #expect(mistakes(text).contains { $0.hasSuffix("the file holds too many values") })
        let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        #expect(mistakes(minimal + "listen: \(deep)").contains { $0.hasSuffix("is nested too deeply") })
    }

    @Test func `refuses tags`() {
        #expect(
            mistakes(minimal + "loops: !!int 3\nlog: !mine {level: info}\nlisten: !!str 127.0.0.1:1") == [
                "headgate.yaml:4: loops: expected a plain value, found the tag \"tag:yaml.org,2002:int\"",
                "headgate.yaml:5: log: expected a plain value, found the tag \"!mine\"",
            ]
        )
    }

    @Test func `keeps an error on one line`() {
        let text = minimal + "log: {\"a\\nb\\e[31m\": 1, level: \"x\\ny\"}"
        #expect(
            mistakes(text) == [
                "headgate.yaml:4: log.\"a\\u{a}b\\u{1b}[31m\": no such key; expected one of level, format, access",
                "headgate.yaml:4: log.level: expected one of trace, debug, info, notice, warning, error, critical, "
                    + "found \"x\\u{a}y\"",
            ]
        )
    }

    @Test func `counts lines of every kind of ending`() {
        #expect(
            mistakes(minimal.replacing("\n", with: "\r\n") + "loops: x").map { $0.prefix(16) } == ["headgate.yaml:4:"]
        )
    }
}
