extension Configuration {
    /// The top level of the file.
    static let fields: [Field<Configuration>] = [
        .listen,
        .value("loops", \.loops, .loops, "Event loops, each on its own thread; `auto` is one per usable core."),
        .section(
            "server",
            \.server,
            ServerSettings.fields,
            defaults: ServerSettings(),
            "Limits and timeouts towards clients."
        ),
        .section(
            "handover",
            \.handover,
            HandoverSettings.fields,
            defaults: HandoverSettings(),
            "How the process is replaced by the next one."
        ),
        .section("log", \.log, LogSettings.fields, defaults: LogSettings(), "What is logged, and how."),
        .section(
            "admin",
            \.admin,
            AdminSettings.fields,
            defaults: AdminSettings(),
            "Live control: who may look in and take hold, by a Unix socket."
        ),
        .section(
            "metrics",
            \.metrics,
            MetricsSettings.fields,
            defaults: MetricsSettings(),
            "What is counted, and who may ask for it."
        ),
        .section(
            "tracing",
            \.tracing,
            TracingSettings.fields,
            defaults: TracingSettings(),
            "Which requests are traced, and who collects their spans."
        ),
        .named(
            "backends",
            \.backends,
            placeholder: "NAME",
            fields: BackendSettings.fields,
            make: { BackendSettings(name: $0, dialect: .openai) },
            nameOf: \.name,
            rule: { NameRule.problem(with: $0, extra: "") },
            "Upstream servers by name."
        ),
        .named(
            "models",
            \.models,
            placeholder: "NAME",
            fields: ModelSettings.fields,
            make: { ModelSettings(name: $0, backend: "") },
            nameOf: \.name,
            rule: { NameRule.problem(with: $0, extra: ":/@+") },
            "Names for a backend's model with its parameters."
        ),
        .named(
            "routes",
            \.routes,
            placeholder: "PATH",
            fields: RouteSettings.fields,
            make: { RouteSettings(path: $0, model: "") },
            nameOf: \.path,
            rule: RouteSettings.problem(withPath:),
            "What is mounted where; `/chat` gives `/chat/invoke`, `/chat/batch` and `/chat/stream`."
        ),
    ]
}

/// Names of backends and models: they become log fields and metric labels.
enum NameRule {
    /// What is wrong with a name of letters, digits, `.`, `_`, `-` and `extra`; nil when nothing is.
    static func problem(with name: String, extra: String) -> String? {
        let allowed = "._-" + extra
        let isValid = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || allowed.contains($0)) }
        guard isValid, let first = name.first, first.isLetter || first.isNumber, name.utf8.count <= 128 else {
            let characters = allowed.map(String.init).joined(separator: " ")
            return "expected a name of up to 128 letters, digits and \(characters), beginning with a letter or digit"
        }
        return nil
    }
}

extension ServerSettings {
    static let fields: [Field<ServerSettings>] = [
        .value(
            "max_connections",
            \.maxConnections,
            .integer(1...1_000_000),
            "Client connections of the whole process; further ones wait in the kernel's queue."
        ),
        .value("max_request_line", \.maxRequestLine, .size(256...(64 << 10)), "Longer request lines get 414."),
        .value("max_header_bytes", \.maxHeaderBytes, .size(1024...(1 << 20)), "Larger header blocks get 431."),
        .value("max_header_fields", \.maxHeaderFields, .integer(10...1000), "More header fields get 431."),
        .value("max_body", \.maxBody, .size(1024...(1 << 30)), "Larger request bodies get 413."),
        .value(
            "header_timeout",
            \.headerTimeout,
            .duration(clientTimeouts),
            "From a request's first byte to the end of its head, else 408."
        ),
        .value(
            "body_timeout",
            \.bodyTimeout,
            .duration(clientTimeouts),
            "Silence inside a request body, and time for each 16 KiB of it, else 408."
        ),
        .value(
            "idle_timeout",
            \.idleTimeout,
            .duration(clientTimeouts),
            "Closes a keep-alive connection without a request."
        ),
        .value(
            "write_timeout",
            \.writeTimeout,
            .duration(clientTimeouts),
            "Cuts a client that takes no bytes while some wait for it."
        ),
        .value(
            "drain_timeout",
            \.drainTimeout,
            .duration(.zero ... .seconds(86_400)),
            "Time for open requests after SIGTERM; then they are cancelled."
        ),
        .value(
            "keepalive_interval",
            \.keepaliveInterval,
            .duration(.zero ... .seconds(3600)),
            "A comment goes to a silent event stream this often; 0s sends none."
        ),
        .value(
            "stream_high_water",
            \.streamHighWater,
            .size(4096...(64 << 20)),
            "Unsent bytes of a client above which its upstream is not read; below half it is again."
        ),
        .value("timing", \.timing, .boolean, "Says in `Server-Timing` where an answer's time went."),
    ]

    private static let clientTimeouts: ClosedRange<Duration> = .milliseconds(100) ... .seconds(86_400)
}

extension LogSettings {
    static let fields: [Field<LogSettings>] = [
        .value("level", \.level, .choice, "The least serious level that is written."),
        .value(
            "format",
            \.format,
            .choice,
            "`auto` is text on a terminal, journal under systemd (with fields), else json."
        ),
        .value("access", \.access, .boolean, "One line for each request."),
    ]
}

extension ModelSettings {
    static let fields: [Field<ModelSettings>] = [
        .required("backend", \.backend, .reference(to: "backend"), "The backend it runs on."),
        {
            var field = Field<ModelSettings>.value(
                "model",
                \.model,
                .text("the name of a model upstream"),
                "The model's name upstream."
            )
            field.defaultNote = "its name here"
            return field
        }(),
        .params,
        .section(
            "timeouts",
            \.timeouts,
            TimeoutOverrides.fields(over: "backend"),
            defaults: TimeoutOverrides(),
            "Overrides the backend's."
        ),
    ]
}

extension RouteSettings {
    static let fields: [Field<RouteSettings>] = [
        .model,
        .pipeline,
        .output,
        .value(
            "max_concurrency",
            \.maxConcurrency,
            .integer(1...100_000),
            "Items of one batch, elements of a map and branches of a parallel that run at once, whatever the caller asks for."
        ),
        .value("max_batch", \.maxBatch, .integer(1...1_000_000), "Items of one batch; more are refused."),
        .allowConfig,
        .endpoints,
        .section(
            "timeouts",
            \.timeouts,
            TimeoutOverrides.fields(over: "model"),
            defaults: TimeoutOverrides(),
            "Overrides the model's."
        ),
    ]

    /// Top-level paths of the daemon itself.
    static let reservedPaths = ["/health", "/ready", "/openapi.json", "/docs"]
    /// What a route serves, or LangServe's clients expect, below its path.
    static let endpointSegments = EndpointName.allCases.map(\.rawValue) + ["c"]

    /// Endpoints that own everything below them: variants by config hash, and a page with its files.
    private static let openEndpoints: Set<Substring> = ["c", "playground"]

    /// This route's endpoint that would serve another route's path or what is below it; nil when there is none.
    func endpoint(colliding other: String) -> String? {
        let base = path == "/" ? "" : path
        guard other.hasPrefix(base + "/") else { return nil }
        let rest = other.dropFirst(base.count + 1)
        let first = rest.prefix { $0 != "/" }
        guard Self.endpointSegments.contains(String(rest)) || Self.openEndpoints.contains(first) else { return nil }
        return String(first)
    }

    /// What is wrong with a path by itself; nil when nothing is.
    static func problem(withPath path: String) -> String? {
        guard path.hasPrefix("/") else { return "expected a path that begins with /" }
        guard path != "/" else { return nil }
        guard !path.hasSuffix("/") else { return "expected a path without a slash at its end" }
        guard path.utf8.count <= 512 else { return "expected a path of at most 512 bytes" }
        if reservedPaths.contains(path) { return "this path belongs to the daemon itself" }
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for segment in segments {
            if segment.isEmpty { return "expected a path without //" }
            if segment == "." || segment == ".." { return "expected a path without . and .. segments" }
            guard areSegmentCharacters(segment, allowingPercent: false) else {
                return "expected only letters, digits and -._~!$&'()*+,;=:@ between the slashes"
            }
        }
        return nil
    }
}

extension TimeoutSettings {
    static let range: ClosedRange<Duration> = .milliseconds(1) ... .seconds(86_400)

    static let fields: [Field<TimeoutSettings>] = [
        .value("connect", \.connect, .duration(range), "Name lookup and TCP connect."),
        .value("tls", \.tls, .duration(range), "TLS handshake."),
        .value("head", \.head, .duration(range), "From the request's last byte to the response head."),
        .value(
            "first_token",
            \.firstToken,
            .duration(range),
            "From the request's last byte to the first content of a stream."
        ),
        .value(
            "idle",
            \.idle,
            .duration(range),
            "Between two pieces of content of a stream; comments and pings do not count."
        ),
        .value(
            "total",
            \.total,
            .duration(range),
            "The whole request, queueing included; callers can shorten it with `X-Request-Timeout-Ms`."
        ),
    ]
}

extension TimeoutOverrides {
    static func fields(over parent: String) -> [Field<TimeoutOverrides>] {
        let range = TimeoutSettings.range
        let note = "the \(parent)'s"
        return [
            .optional(
                "connect",
                \.connect,
                .duration(range),
                "Name lookup and TCP connect, of calls that open a connection.",
                defaultNote: note
            ),
            .optional(
                "tls",
                \.tls,
                .duration(range),
                "TLS handshake, of calls that open a connection.",
                defaultNote: note
            ),
            .optional(
                "head",
                \.head,
                .duration(range),
                "From the request's last byte to the response head.",
                defaultNote: note
            ),
            .optional(
                "first_token",
                \.firstToken,
                .duration(range),
                "From the request's last byte to the first content of a stream.",
                defaultNote: note
            ),
            .optional(
                "idle",
                \.idle,
                .duration(range),
                "Between two pieces of content of a stream.",
                defaultNote: note
            ),
            .optional("total", \.total, .duration(range), "The whole request, queueing included.", defaultNote: note),
        ]
    }
}
