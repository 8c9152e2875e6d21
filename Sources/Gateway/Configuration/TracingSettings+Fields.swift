import TLS

extension TracingSettings {
    static let fields: [Field<TracingSettings>] = [
        .endpoint,
        .value("sample", \.sample, .number(0...1), "The part of requests that is traced."),
        .value(
            "sampling",
            \.sampling,
            .choice,
            "Who decides about requests with a `traceparent`: `parent` is its flag, `ratio` is `sample` for all."
        ),
        .apiKey(\.apiKey, file: \.apiKeyFile),
        .apiKeyFile(\.apiKey, file: \.apiKeyFile),
        .headers(\.headers),
        .optional("ca_file", \.caFile, .file, "PEM file of the authorities to trust.", defaultNote: "the system's"),
        .value(
            "timeout",
            \.timeout,
            .duration(.milliseconds(10) ... .seconds(300)),
            "Of one request to the collector."
        ),
        .value(
            "interval",
            \.interval,
            .duration(.milliseconds(10) ... .seconds(60)),
            "How long spans are collected before they are sent."
        ),
        .value(
            "max_queue",
            \.maxQueue,
            .integer(1...1_000_000),
            "Spans that may wait for the collector; more are dropped and counted."
        ),
        .value(
            "max_queue_bytes",
            \.maxQueueBytes,
            .size((64 << 10)...(1 << 30)),
            "Bytes of spans that may wait for the collector."
        ),
        .optional(
            "service_name",
            \.serviceName,
            .text("a service's name", limit: 255),
            "The resource's `service.name`.",
            defaultNote: "`OTEL_SERVICE_NAME`, else `headgate`"
        ),
        .attributes,
    ]
}

extension Field<TracingSettings> {
    fileprivate static var endpoint: Field {
        let type = ValueType<UpstreamURL>.collector
        var field = Field(
            name: "endpoint",
            type: type.name,
            summary: "Collector of OTLP over HTTP; `/v1/traces` is added. Without one there are no spans."
        ) {
            root,
            node,
            place,
            context in
            // `${VAR:-}` makes it optional.
            if case .scalar(let scalar) = node.content, scalar.isEmptyByDefault { return }
            root.endpoint = type.read(node, at: place, in: context)
        } write: {
            $0.endpoint.map { type.format($0) }
        }
        field.defaultNote = "none"
        return field
    }

    fileprivate static var attributes: Field {
        let type = ValueType<String>.text("an attribute's value")
        return Field(
            name: "attributes",
            type: "names with values",
            summary: "Further attributes of the resource, beside those of `OTEL_RESOURCE_ATTRIBUTES`."
        ) {
            root,
            node,
            place,
            context in
            node.forEachEntry(at: place, in: context) { entry, place in
                guard !entry.key.isEmpty, entry.key.utf8.count <= 255, entry.key.unicodeScalars.allSatisfy(isPrintable)
                else {
                    return context.report(place, "expected a name of 1 to 255 bytes without control characters")
                }
                if let value = type.read(entry.value, at: place, in: context) {
                    root.attributes.append(.init(name: entry.key, value: value))
                }
            }
        } write: { root in
            guard !root.attributes.isEmpty else { return nil }
            return .map(root.attributes.map { (key: $0.name, value: .text($0.value)) })
        }
    }
}

extension ConfigurationChecks {
    /// What keys of `tracing` say together.
    func checkTracing() {
        let place = SettingPath.root.child("tracing")
        let isSet = { (key: String) in context.isSet(place.child(key)) }
        let tracing = configuration.tracing
        checkKey(tracing.apiKey, tracing.headers, at: place)
        guard let endpoint = tracing.endpoint else { return }
        if endpoint.scheme == .http {
            if isSet("ca_file") { context.report(place.child("ca_file"), "has no meaning for an http:// URL") }
        } else if let file = tracing.caFile, let problem = PEMCheck.trustRoots(file) {
            context.report(place.child("ca_file"), problem)
        }
        warnOfPlainKey(endpoint, tracing.secrets, at: place.child("endpoint"))
    }
}
