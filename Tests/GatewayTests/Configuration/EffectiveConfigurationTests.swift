import Testing

@testable import Gateway

@Suite struct EffectiveConfigurationTests {
    @Test func `prints everything there is`() throws {
        let loaded = try configuration(
            """
            listen: ["[::1]:80", {address: "unix:/run/a b.sock", mode: 0600}, "unix:/b"]
            backends:
              up: {dialect: openai, url: "HTTPS://Host:443/v1/", api_key: k, headers: {X-Title: "a: b $$ \\"", X-Key: k}}
            models:
              m: {backend: up, params: {temperature: 0.70, stop: ["$$", "a b"], o: {"a": null}}, timeouts: {idle: 90s}}
            routes: {/: {model: m, timeouts: {total: 2h}, allow_config: []}}
            """
        )
        #expect(
            EffectiveConfiguration.yaml(loaded) == """
                listen:
                  - "[::1]:80"
                  - address: "unix:/run/a b.sock"
                    mode: "0600"
                  - unix:/b
                loops: auto
                server:
                  max_connections: 10000
                  max_request_line: 8KiB
                  max_header_bytes: 32KiB
                  max_header_fields: 100
                  max_body: 32MiB
                  header_timeout: 10s
                  body_timeout: 30s
                  idle_timeout: 75s
                  write_timeout: 60s
                  drain_timeout: 30s
                  keepalive_interval: 15s
                  stream_high_water: 256KiB
                  timing: true
                log:
                  level: info
                  format: auto
                  access: true
                admin:
                  socket: auto
                  mode: "0660"
                metrics:
                  enabled: true
                  path: /metrics
                  max_names: 256
                tracing:
                  sample: 0.01
                  sampling: parent
                  timeout: 10s
                  interval: 1s
                  max_queue: 8192
                  max_queue_bytes: 16MiB
                backends:
                  up:
                    dialect: openai
                    url: https://host/v1
                    api_key: "<redacted>"
                    headers:
                      X-Title: "a: b $$ \\""
                      X-Key: "<redacted>"
                    max_connections: 1024
                    max_idle_connections: 256
                    idle_timeout: 50s
                    max_pending: 1024
                    queue_timeout: 10s
                    timeouts:
                      connect: 5s
                      tls: 5s
                      head: 60s
                      first_token: 60s
                      idle: 30s
                      total: 10m
                    max_response: 32MiB
                    stream_options: true
                    abort_on_disconnect: true
                    propagate_trace: true
                    propagate_request_id: true
                models:
                  m:
                    backend: up
                    model: m
                    params:
                      temperature: 0.70
                      stop: ["$$","a b"]
                      o: {"a":null}
                    timeouts:
                      idle: 90s
                routes:
                  /:
                    model: m
                    output: message
                    max_concurrency: 128
                    max_batch: 10000
                    allow_config: []
                    endpoints: [invoke, batch, stream, stream_log, stream_events, input_schema, output_schema, \
                config_schema, playground, token_feedback]
                    timeouts:
                      connect: 5s
                      tls: 5s
                      head: 60s
                      first_token: 60s
                      idle: 90s
                      total: 2h

                """
        )
    }

    @Test func `a secret shows nowhere, whatever key it stands in`() throws {
        let canary = "canary-5f1c"
        let loaded = try configuration(
            """
            backends:
              a: {dialect: openai, url: "https://x/v1", api_key: "${CK}", organization: "${CK}", project: "p-${CK}"}
              b: {dialect: openai, url: "https://y/${CK}/v1"}
            models: {m: {backend: b, model: "${CK}", params: {stop: ["${CK}"], user: "${CK}"}}}
            routes: {/: {model: m}}
            """,
            environment: ["CK": canary]
        )
        let printed = EffectiveConfiguration.yaml(loaded)
        #expect(!printed.contains(canary))
        #expect(
            printed.contains("url: \"https://y/<redacted>/v1\"") || printed.contains("url: https://y/<redacted>/v1")
        )
        #expect(printed.contains("project: p-<redacted>") || printed.contains("project: \"p-<redacted>\""))
    }

    @Test func `loads again to the same`() throws {
        let text = """
            listen: ["[::1]:80", 127.0.0.1:0, {address: "unix:/run/a b.sock", mode: 0600}]
            loops: 2
            backends:
              up: {dialect: openai, url: "https://h/v1", headers: {X-Title: "a: b $$ \\" \\\\ #x", Y: "- 1", Z: "true"}}
              mock: {dialect: mock, mock: {reply: "yes", status: [500*2, 200], retry_after: 1s, fail_after: 3}}
              talk: {dialect: mock, mock: {reply: "a\\nb\\te\\u2028 'x' ${A}"}}
            models:
              m: {backend: up, params: {temperature: 0.70, stop: ["$${A}", "a b\\n", "é"], o: {"a": null}}}
              n: {backend: mock, model: "12"}
            routes: {/: {model: m, output: text}, /x: {model: n, timeouts: {total: 2h}}}
            """
        let loaded = try configuration(text, environment: ["A": "$$ ${A} {"])
        let printed = EffectiveConfiguration.yaml(loaded)
        let again = try configuration(printed)
        #expect(EffectiveConfiguration.yaml(again) == printed)
        #expect(again.backends == loaded.backends)
        #expect(again.models == loaded.models)
        #expect(again.listen == loaded.listen)
        for (route, other) in zip(loaded.routes, again.routes) {
            #expect(loaded.effectiveTimeouts(route: route) == again.effectiveTimeouts(route: other))
        }
    }

    @Test(arguments: [
        ("plain", "plain"), ("a-b.c/d_e", "a-b.c/d_e"), ("true", "\"true\""), ("No", "\"No\""), ("1", "\"1\""),
        ("0660", "\"0660\""), ("", "\"\""), ("~", "\"~\""), ("-a", "\"-a\""), ("a b", "\"a b\""), ("a:", "\"a:\""),
        ("$A", "\"$$A\""), ("\"\\\n\u{1}\u{85}\u{2028}", "\"\\\"\\\\\\n\\x01\\u0085\\u2028\""), ("é", "\"é\""),
        ("<<", "\"<<\""), ("[x]", "\"[x]\""), ("#", "\"#\""), ("1e5", "\"1e5\""), ("0x1f", "\"0x1f\""),
        (".inf", "\".inf\""),
    ])
    func quotesWhatNeedsIt(_ text: String, _ expected: String) {
        #expect(YAMLText.quote(text) == expected)
    }
}
