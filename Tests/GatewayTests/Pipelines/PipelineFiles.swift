@testable import Gateway

/// A file with two models and these routes.
func pipelines(_ routes: String) -> String {
    """
    backends: {mock: {dialect: mock}}
    models: {gemma: {backend: mock}, backup: {backend: mock}}
    routes:
    \(routes.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
    """
}

/// The mistakes of a route `/r` with these steps, a flow sequence on line 4 of the file, without file and line; with a prefix where it is
/// another place than the pipeline's.
func stepMistakes(_ steps: String, environment: [String: String] = [:]) -> [String] {
    let found = mistakes(pipelines("/r: {pipeline: \(steps)}"), environment: environment)
    return found.map { $0.replacing("headgate.yaml:4: ", with: "").replacing("routes./r.pipeline", with: "") }
}

/// The routes of the issue that asked for pipelines.
let exampleRoutes = """
    /summarise:
      pipeline:
        - prompt: {system: "You are terse.", human: "Summarise in {words} words: {text}"}
        - model: gemma
          retry: {attempts: 3}
          fallbacks: [backup]
        - parser: string
    /compare:
      pipeline: [{parallel: {short: {route: /summarise}, long: {model: gemma}}}]
    """

/// A route with one of every step, decoration and test.
let everyStep = #"""
    /chat: {model: gemma}
    /every:
      pipeline:
        - passthrough:
          name: start
        - assign:
            "on": {route: /chat}
            "a$b": [{prompt: "Cost $$5 ${not} \"{text}\" é\n"}, {model: gemma}, {parser: string}]
        - branch:
            - if: {field: language, equals: de}
              then: [{pick: text}, {prompt: "Antworte: {t}"}]
            - if: {field: meta.size, in: [1, "1", true, null, "a$$b"], exists: true, contains: x, starts_with: "$$"}
              then: {prompt: {text: "{{text}} {{#meta}}{{size}}{{/meta}}", format: mustache}}
            - if: {above: 0.0000001, below: 1e300, longer: 3, is: object}
              then: {prompt: "{text}"}
            - else:
                prompt:
                  messages:
                    - system: "You are {style}."
                    - placeholder: history
                      optional: true
                      last: 4
                    - user: "{text}"
                    - assistant: "Ja: "
                    - user: "{text}"
                configurable:
                  style: {default: terse, title: Style, description: "How: it speaks", type: string}
        - model: gemma
          name: answerer
          retry: {attempts: 5, initial: 10ms, max: 1s, jitter: 0s}
          timeout: 1m
          cache: {size: 10, max_bytes: 1MiB}
          rate_limit: {per_second: 0.5, burst: 2, queue: 0}
          fallbacks:
            - backup
            - {model: backup, timeout: 500ms}
            - [{route: /chat}]
          configurable:
            heat: {sets: temperature, type: number, default: 0.2}
            seed: {type: integer, default: 7}
            llm: {alternatives: {other: {model: backup}, long: [{model: gemma}]}}
        - parser: numbered_list
        - map: [{prompt: "Expand {item}"}, {model: gemma}, {parser: json}]
        - parallel: {a: {passthrough: {}}, b: {passthrough: {}}}
        - pick: [b, a]
        - pick: a
    """#
