/// A listener while it is being read.
private struct ListenerDraft: Sendable {
    var address: ListenAddress?
    var certificate: String?
    var key: String?
    var mode: UInt32?

    static let fields: [Field<ListenerDraft>] = [
        .optional(
            "address",
            \.address,
            .address,
            "As above, for an entry that says more than its address.",
            isRequired: true
        ),
        .optional(
            "certificate",
            \.certificate,
            .file,
            "PEM file of the certificate and its intermediates; serves HTTPS."
        ),
        .optional("key", \.key, .file, "PEM file of the private key."),
        .optional("mode", \.mode, .permissions, "Permissions of a Unix socket.", defaultNote: "0660"),
    ]

    init() {}

    init(_ listener: ListenerSettings) {
        address = listener.address
        certificate = listener.tls?.certificate
        key = listener.tls?.key
        mode = listener.mode
    }

    /// The listener, when its parts belong together.
    func listener(at path: SettingPath, in context: LoadContext) -> ListenerSettings? {
        let hasCertificate = context.isSet(path.child("certificate"))
        let hasKey = context.isSet(path.child("key"))
        if hasCertificate != hasKey {
            let missing = hasCertificate ? "key" : "certificate"
            context.report(path.child(missing), "is missing; certificate and key belong together")
        }
        guard let address else { return nil }
        if case .unix = address {
        } else if context.isSet(path.child("mode")) {
            context.report(path.child("mode"), "only Unix sockets have permissions")
        }
        let tls = certificate.flatMap { certificate in key.map { CertificateFiles(certificate: certificate, key: $0) } }
        if let tls { context.check(tls, at: path) }
        return ListenerSettings(address: address, tls: tls, mode: mode)
    }
}

extension Field<Configuration> {
    static var listen: Field {
        let keys = ConfigurationKey.keys(of: ListenerDraft.fields, defaults: ListenerDraft())
        return Field(
            name: "listen",
            type: "address, mapping, or list of them",
            summary: "Where clients connect: `HOST:PORT`, `[IPV6]:PORT` or `unix:/path`.",
            childInfix: "[]",
            children: keys
        ) { root, node, place, context in
            if case .list(let items) = node.content {
                if items.isEmpty { context.report(place, "expected at least one address") }
                root.listen = []
                var places: [ListenAddress: Int] = [:]
                for (index, item) in items.enumerated() {
                    let place = place.item(index)
                    context.note(place, line: item.line, node: item)
                    guard let listener = readListener(item, at: place, in: context) else { continue }
                    root.listen.append(listener)
                    guard !listener.address.isAnyPort else { continue }
                    if let first = places[listener.address] {
                        context.report(place, "the same address as listen[\(first)]")
                    }
                    places[listener.address] = index
                }
            } else {
                root.listen = readListener(node, at: place, in: context).map { [$0] } ?? []
            }
        } write: { root in
            let items = root.listen.map { listener -> YAMLText in
                let isPlain = listener == ListenerSettings(address: listener.address)
                return isPlain
                    ? .text(listener.address.description) : ListenerDraft.fields.write(ListenerDraft(listener))
            }
            guard items.count == 1, let only = items.first, case .text = only else { return .list(items) }
            return only
        }
    }

    private static func readListener(_ node: SettingNode, at place: SettingPath, in context: LoadContext)
        -> ListenerSettings?
    {
        guard case .map = node.content else {
            return ValueType.address.read(node, at: place, in: context).map { ListenerSettings(address: $0) }
        }
        var draft = ListenerDraft()
        ListenerDraft.fields.read(into: &draft, from: node, at: place, in: context)
        return draft.listener(at: place, in: context)
    }
}

extension Field<RouteSettings> {
    static var allowConfig: Field {
        let type = ValueType<RouteSettings.ConfigKey>.choice
        return Field(
            name: "allow_config",
            type: "list of \(type.name)",
            summary: "Keys of the caller's run config that take effect; others are dropped, as LangServe does."
        ) { root, node, place, context in
            guard case .list(let items) = node.content else {
                context.report(place, node, Mismatch(expected: "a list of \(type.name)"))
                return
            }
            root.allowConfig = Set(
                items.enumerated().compactMap { index, item in
                    context.note(place.item(index), line: item.line, node: item)
                    return type.read(item, at: place.item(index), in: context)
                }
            )
        } write: { root in
            .list(root.allowConfig.map(\.rawValue).sorted().map { .text($0) })
        }
    }
}

extension Field<RouteSettings> {
    static var model: Field {
        let type = ValueType<String>.reference(to: "model")
        return Field(
            name: "model",
            type: type.name,
            summary: "The model it runs; a route has this or a pipeline.",
            defaultNote: "a `pipeline` instead"
        ) { root, node, place, context in
            if let model = type.read(node, at: place, in: context) { root.model = model }
        } write: { root in
            root.model.isEmpty ? nil : .text(root.model)
        }
    }

    static var output: Field {
        let type = ValueType<RouteSettings.Output>.choice
        return Field(
            name: "output",
            type: type.name,
            summary: "What a model's route gives: `text` is strings, `message` is AIMessage and AIMessageChunk."
        ) { root, node, place, context in
            if let output = type.read(node, at: place, in: context) { root.output = output }
        } write: { root in
            root.pipeline == nil ? type.format(root.output) : nil
        }
    }

    static var pipeline: Field {
        let keys = ConfigurationKey.keys(of: StepSettings.fields, defaults: StepSettings())
        var field = Field(
            name: "pipeline",
            type: "list of steps",
            summary: "Steps, each of which gets what the one before it makes.",
            childInfix: "[]",
            children: keys
        ) { root, node, place, context in
            root.pipeline = StepSettings.readSteps(node, at: place, in: context)
        } write: { root in
            root.pipeline.map { .list($0.map { StepSettings.fields.write($0) }) }
        }
        field.defaultNote = "a `model` instead"
        return field
    }

    static var endpoints: Field {
        let type = ValueType<RouteSettings.EndpointName>.choice
        return Field(
            name: "endpoints",
            type: "list of \(type.name)",
            summary: "What is served below the path; others are 404."
        ) { root, node, place, context in
            guard case .list(let items) = node.content else {
                context.report(place, node, Mismatch(expected: "a list of \(type.name)"))
                return
            }
            root.endpoints = Set(
                items.enumerated().compactMap { index, item in
                    context.note(place.item(index), line: item.line, node: item)
                    return type.read(item, at: place.item(index), in: context)
                }
            )
        } write: { root in
            .list(RouteSettings.EndpointName.allCases.filter(root.endpoints.contains).map { .text($0.rawValue) })
        }
    }
}
