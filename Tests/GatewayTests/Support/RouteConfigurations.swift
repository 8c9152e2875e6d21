/// Routes of every kind, with the mock inside the process: models that say the prompt back, and pipelines of them.
///
/// - `/`, `/chat`: models; text and messages.
/// - `/chain`: prompt, model and parser; `style`, `temperature` and `llm` are for callers to choose.
/// - `/both`: `/chain` and a model side by side.
/// - `/same`: gives its input. `/prompt`: only a prompt.
/// - `/fails`: a pipeline whose model answers 500 always.
///
/// - Parameter route: keys for every route.
func routesConfiguration(route: String = "") -> String {
    let extra = route.isEmpty ? "" : ", " + route
    return """
        backends:
          echo: {dialect: mock, mock: {reply: echo}}
          other: {dialect: mock, mock: {reply: "the other"}}
          fails: {dialect: mock, mock: {status: [500*1000]}}
        models:
          demo: {backend: echo}
          other: {backend: other}
          fails: {backend: fails}
        routes:
          /: {model: demo, output: text\(extra)}
          /chat: {model: demo\(extra)}
          /chain:
            pipeline:
              - prompt: "{style} {text}"
                configurable: {style: {type: string, default: plain}}
              - model: demo
                configurable:
                  temperature: {type: number, default: 0.5, description: How free it is}
                  llm: {alternatives: {other: {model: other}}}
              - parser: string
            \(route)
          /both:
            pipeline: [{parallel: {short: {route: /chain}, long: {model: demo}}}]
            \(route)
          /same: {pipeline: [{passthrough: {}}]\(extra)}
          /prompt: {pipeline: [{prompt: {system: "Be {tone}.", human: "{text}"}}]\(extra)}
          /fails: {pipeline: [{prompt: "{text}"}, {model: fails}, {parser: string}]\(extra)}
        """
}
