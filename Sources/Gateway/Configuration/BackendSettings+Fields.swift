extension BackendSettings {
    static let fields: [Field<BackendSettings>] = identity + transport + limits + [mockSection] + refused

    /// The keys that mean something to the mock, which has no connection.
    static let mockKeys: Set<String> = ["dialect", "mock", "timeouts"]

    private static let identity: [Field<BackendSettings>] = [
        .required("dialect", \.dialect, .choice, "What the upstream speaks; `mock` answers from inside the process."),
        .optional("url", \.url, .url, "Base URL; `/chat/completions` is added. Needed for every dialect but `mock`."),
        .apiKey(\.apiKey, file: \.apiKeyFile),
        .apiKeyFile(\.apiKey, file: \.apiKeyFile),
        .headers(\.headers),
        .optional("organization", \.organization, .token("an organization id"), "Sent as `OpenAI-Organization`."),
        .optional("project", \.project, .token("a project id"), "Sent as `OpenAI-Project`."),
    ]

    private static let transport: [Field<BackendSettings>] = [
        .optional("ca_file", \.caFile, .file, "PEM file of the authorities to trust.", defaultNote: "the system's"),
        .optional(
            "server_name",
            \.serverName,
            .hostName,
            "Name to expect in the certificate.",
            defaultNote: "the URL's host"
        ),
        .clientCertificate,
    ]

    private static let limits: [Field<BackendSettings>] = [
        .value("max_connections", \.maxConnections, .integer(1...100_000), "Connections of one loop."),
        .value(
            "max_idle_connections",
            \.maxIdleConnections,
            .integer(0...100_000),
            "Idle connections of one loop kept for reuse."
        ),
        .value(
            "idle_timeout",
            \.idleTimeout,
            .duration(.zero ... .seconds(86_400)),
            "Closes an idle pooled connection; 0s keeps none."
        ),
        .value(
            "max_pending",
            \.maxPending,
            .integer(0...1_000_000),
            "Requests of one loop that may wait for a connection."
        ),
        .value(
            "queue_timeout",
            \.queueTimeout,
            .duration(.milliseconds(1) ... .seconds(86_400)),
            "How long a request may wait for a connection."
        ),
        .section("timeouts", \.timeouts, TimeoutSettings.fields, defaults: TimeoutSettings(), "Timeouts of one call."),
        .value(
            "max_response",
            \.maxResponse,
            .size(1024...(1 << 30)),
            "A larger response that is not streamed fails the call."
        ),
        .value(
            "stream_options",
            \.streamOptions,
            .boolean,
            "Asks streams for usage; false for servers that refuse the field, such as Mistral."
        ),
        .value(
            "abort_on_disconnect",
            \.abortOnDisconnect,
            .boolean,
            "Ends a run whose client left; false lets it come to its end, for engines that crash on aborted calls."
        ),
        .value(
            "propagate_trace",
            \.propagateTrace,
            .boolean,
            "Tells the upstream the request's trace, as `traceparent` and `tracestate`."
        ),
        .value(
            "propagate_request_id",
            \.propagateRequestID,
            .boolean,
            "Tells the upstream the request's id, as `X-Request-Id`."
        ),
    ]

    private static let mockSection = Field<BackendSettings>.section(
        "mock",
        \.mock,
        MockSettings.fields,
        defaults: MockSettings(),
        "What the mock answers."
    )

    private static let refused: [Field<BackendSettings>] = [
        "tls_verify", "verify", "verify_tls", "verify_ssl", "insecure", "insecure_skip_verify",
    ].map {
        .refused(
            $0,
            because: "upstream certificates are always verified; trust your own authority with ca_file, "
                + "expect another name with server_name"
        )
    }
}

extension Field<BackendSettings> {
    fileprivate static var clientCertificate: Field {
        let fields: [Field<CertificateFiles>] = [
            .required("certificate", \.certificate, .file, "PEM file to show to the upstream."),
            .required("key", \.key, .file, "PEM file with its private key."),
        ]
        let empty = CertificateFiles(certificate: "", key: "")
        let keys = ConfigurationKey.keys(of: fields, defaults: empty)
        return Field(name: "client_certificate", summary: "Shown to upstreams that ask for one.", children: keys) {
            root,
            node,
            place,
            context in
            var files = empty
            fields.read(into: &files, from: node, at: place, in: context)
            root.clientCertificate = files
        } write: {
            $0.clientCertificate.map { fields.write($0) }
        }
    }
}

extension MockSettings {
    private static let pace: ClosedRange<Duration> = .zero ... .seconds(3600)

    static let fields: [Field<MockSettings>] = [
        .value(
            "reply",
            \.reply,
            .reply,
            "`words` is a fixed run of words, `echo` the last message, anything else that very text."
        ),
        .value("tokens", \.tokens, .integer(0...1_000_000), "Tokens of an answer made of `words`."),
        .value("latency", \.latency, .duration(pace), "Before the response head."),
        .value("time_to_first_token", \.timeToFirstToken, .duration(pace), "Between the head and the first token."),
        .value("interval", \.interval, .duration(pace), "Between two tokens."),
        .status,
        .optional(
            "retry_after",
            \.retryAfter,
            .duration(.zero ... .seconds(86_400)),
            "`Retry-After` of failing statuses.",
            defaultNote: "none"
        ),
        .optional(
            "fail_after",
            \.failAfter,
            .integer(0...1_000_000),
            "Breaks every answer off after this many tokens.",
            defaultNote: "never"
        ),
    ]
}

extension ValueType where Value == MockSettings.Reply {
    static var reply: ValueType {
        ValueType("words, echo or a text") { scalar, _ in
            guard !scalar.isNull else { return .failure(Mismatch(expected: "words, echo or a text")) }
            switch scalar.text {
            case "words": return .success(.words)
            case "echo": return .success(.echo)
            default: return .success(.text(scalar.text))
            }
        } format: {
            switch $0 {
            case .words: .text("words")
            case .echo: .text("echo")
            case .text(let text): .text(text)
            }
        }
    }
}

extension ValueType where Value == MockSettings.Status {
    static var status: ValueType {
        let mismatch = Mismatch(expected: "a status such as 503 or \"429*2\": 200 or 400 to 599, times 1 to 1000000")
        return ValueType("list of STATUS or STATUS*TIMES") { scalar, _ in
            let parts = scalar.text.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
            guard (1...2).contains(parts.count), let status = wholeNumber(parts[0]),
                status == 200 || (400...599).contains(status),
                let count = parts.count == 1 ? 1 : wholeNumber(parts[1]), (1...1_000_000).contains(count)
            else { return .failure(mismatch) }
            return .success(MockSettings.Status(status: status, count: count))
        } format: {
            .text($0.count == 1 ? "\($0.status)" : "\($0.status)*\($0.count)")
        }
    }
}

extension Field<MockSettings> {
    fileprivate static var status: Field {
        let type = ValueType<MockSettings.Status>.status
        return Field(
            name: "status",
            type: type.name,
            summary: "Statuses of the first requests since the start or a reload, in order; later ones succeed."
        ) {
            root,
            node,
            place,
            context in
            let items: [SettingNode]
            if case .list(let list) = node.content { items = list } else { items = [node] }
            root.status = items.enumerated().compactMap { index, item in
                type.read(item, at: items.count == 1 ? place : place.item(index), in: context)
            }
        } write: {
            .list($0.status.map { type.format($0) })
        }
    }
}
