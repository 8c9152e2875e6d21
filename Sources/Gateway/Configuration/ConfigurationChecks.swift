import TLS

/// What only the whole configuration can tell: names that must resolve, keys that exclude each other, risks.
struct ConfigurationChecks {
    let configuration: Configuration
    let context: LoadContext
    private let index: ConfigurationIndex

    init(configuration: Configuration, context: LoadContext) {
        self.configuration = configuration
        self.context = context
        index = ConfigurationIndex(configuration)
    }

    func run() {
        checkListeners()
        checkSocketPaths()
        checkTracing()
        let backends = SettingPath.root.child("backends")
        for backend in configuration.backends { check(backend, at: backends.child(backend.name)) }
        let models = SettingPath.root.child("models")
        for model in configuration.models {
            let place = models.child(model.name).child("backend")
            checkName(model.backend, at: place, .backend)
        }
        checkRoutes()
        checkMetrics()
        let shapes = PipelineChecks(configuration, context: context)
        for route in configuration.routes { _ = shapes.shape(of: route.path) }
        if !shapes.hasEndlessRoutes {
            checkChoices()
            checkCounts()
        }
    }

    private func checkCounts() {
        var count = RunCount(configuration)
        for route in configuration.routes where count.of(route) > RunCount.most {
            let place = SettingPath.root.child("routes").child(route.path).child("pipeline")
            context.report(place, "can run more than \(RunCount.most) steps for one input")
        }
    }

    private func checkListeners() {
        let listen = SettingPath.root.child("listen")
        for message in configuration.listenerWarnings { context.warn(listen, message) }
        for listener in configuration.listen { checkPrivateKey(listener.tls, at: listen) }
    }

    /// Two sockets at one path: the second would take the first one's place.
    private func checkSocketPaths() {
        var owners: [String: String] = [:]
        func check(_ path: String?, _ key: SettingPath) {
            guard let path else { return }
            if let owner = owners[path] { context.report(key, "is the same socket as \(owner)") }
            owners[path] = key.text
        }
        for listener in configuration.listen {
            if case .unix(let path) = listener.address { owners[path] = "listen" }
        }
        check(configuration.handover.socket, SettingPath.root.child("handover").child("socket"))
        if case .path(let path) = configuration.admin.socket {
            check(path, SettingPath.root.child("admin").child("socket"))
        }
        if case .unix(let path)? = configuration.metrics.listen, owners[path] != "listen" {
            check(path, SettingPath.root.child("metrics").child("listen"))
        }
    }

    private func checkPrivateKey(_ files: CertificateFiles?, at place: SettingPath) {
        guard let files, case .success(let mode) = SmallFile.mode(of: files.key), mode & 0o004 != 0 else { return }
        context.warn(place, "the private key can be read by every user of this machine; chmod 600 it")
    }

    private func check(_ backend: BackendSettings, at place: SettingPath) {
        let isSet = { (key: String) in context.isSet(place.child(key)) }
        guard isSet("dialect"), !context.hasReported(place.child("dialect")) else { return }
        if backend.dialect == .mock {
            for field in BackendSettings.fields
            where !BackendSettings.mockKeys.contains(field.name) && field.refusal == nil {
                if isSet(field.name) { context.report(place.child(field.name), "has no meaning for the dialect mock") }
            }
            return
        }
        if isSet("mock") { context.report(place.child("mock"), "only has a meaning for the dialect mock") }
        if !isSet("url") {
            context.report(
                place.child("url"),
                "is missing; expected the base URL that the dialect \(backend.dialect.rawValue) is spoken at"
            )
        }
        checkKey(backend.apiKey, backend.headers, at: place)
        checkPrivateKey(backend.clientCertificate, at: place.child("client_certificate"))
        if backend.url?.scheme == .https { checkFiles(of: backend, at: place) }
        guard let url = backend.url, url.scheme == .http else { return }
        for key in ["ca_file", "server_name", "client_certificate"] where isSet(key) {
            context.report(place.child(key), "has no meaning for an http:// URL")
        }
        warnOfPlainKey(url, backend.secrets, at: place.child("url"))
    }

    /// Of the ways to say a key, one is enough.
    func checkKey(_ key: Secret?, _ headers: [HeaderSetting], at place: SettingPath) {
        if context.isSet(place.child("api_key")), context.isSet(place.child("api_key_file")) {
            context.report(place.child("api_key_file"), "cannot stand beside api_key; keep one of them")
        }
        if key != nil, let header = headers.first(where: { $0.name.lowercased() == "authorization" }) {
            context.report(
                place.child("headers").child(header.name),
                "cannot stand beside an API key, which is sent in this field"
            )
        }
    }

    func warnOfPlainKey(_ url: UpstreamURL, _ secrets: [Secret], at place: SettingPath) {
        guard url.scheme == .http, !url.isLoopback, !secrets.isEmpty else { return }
        context.warn(place, "the key is sent over plain HTTP to another machine; use https://")
    }

    private func checkFiles(of backend: BackendSettings, at place: SettingPath) {
        if let file = backend.caFile, let problem = PEMCheck.trustRoots(file) {
            context.report(place.child("ca_file"), problem)
        }
        if let files = backend.clientCertificate { context.check(files, at: place.child("client_certificate")) }
    }

    private func checkRoutes() {
        let routes = SettingPath.root.child("routes")
        if configuration.routes.isEmpty, !context.hasReported(routes) {
            context.report(
                routes,
                line: context.line(routes) ?? 1,
                "expected at least one route, such as /: {model: NAME}"
            )
        }
        for route in configuration.routes {
            let place = routes.child(route.path)
            checkWork(of: route, at: place)
            for owner in index.routes(above: route.path) where owner.path != route.path {
                guard let endpoint = owner.endpoint(colliding: route.path) else { continue }
                context.report(place, "is also the endpoint \(endpoint) of the route \(owner.path)")
            }
        }
    }

    /// What callers choose under one id goes to every step that has it, in a route and in those inside it.
    private func checkChoices() {
        var reported: Set<SettingPath> = []
        for route in configuration.routes {
            var owners: [String: (spec: ConfigurableSpec, place: SettingPath)] = [:]
            configuration.forEachChoice(of: route) { choice, step in
                let place = step.place.child("configurable").child(choice.id)
                let spec = ConfigurableSpec(choice, of: step)
                guard let owner = owners[choice.id] else {
                    owners[choice.id] = (spec, place)
                    return
                }
                guard owner.spec.shape != spec.shape || owner.spec.choices != spec.choices else { return }
                guard reported.insert(place).inserted else { return }
                context.report(place, "takes other values than \(owner.place.text), which gets the same one")
            }
        }
    }

    private func checkWork(of route: RouteSettings, at place: SettingPath) {
        let isSet = { (key: String) in context.isSet(place.child(key)) }
        guard let pipeline = route.pipeline else {
            if !isSet("model"), context.isSet(place) {
                context.report(
                    place.child("model"),
                    line: context.line(place),
                    "is required: name of a model, unless there is a pipeline"
                )
            }
            return checkName(route.model, at: place.child("model"), .model)
        }
        if isSet("model") { context.report(place.child("model"), "cannot stand beside pipeline; make it a step of it") }
        if isSet("output") {
            context.report(place.child("output"), "has no meaning for a pipeline, which gives what its last step makes")
        }
        StepChecks(context: context, checkName: checkName).check(pipeline)
    }

    /// Reports a name that nothing has. A missing key or an unreadable value has been reported already.
    private func checkName(_ name: String, at place: SettingPath, _ kind: ConfigurationIndex.Kind) {
        guard !name.isEmpty, !index.has(kind, name), context.isSet(place) else { return }
        let found = context.found(place)
        let isFromVariable = found.hasPrefix("the value of")
        let hint = isFromVariable ? "" : Suggestion.hint(for: name, among: configuration.names(kind))
        context.report(place, "there is no \(kind.rawValue) called \(isFromVariable ? found : quoted(name))\(hint)")
    }
}

extension LoadContext {
    /// Reports what is wrong in the two files, each at its key.
    func check(_ files: CertificateFiles, at place: SettingPath) {
        let keys = [place.child("certificate"), place.child("key")]
        // What is missing, or no file, is known already.
        guard keys.allSatisfy({ isSet($0) && !hasReported($0) }) else { return }
        let problems = PEMCheck.pair(certificateChainFile: files.certificate, privateKeyFile: files.key)
        if let problem = problems.certificate { report(keys[0], problem) }
        if let problem = problems.key { report(keys[1], problem) }
    }

    /// Reports what is wrong with a file.
    func report(_ place: SettingPath, _ problem: TLSError) {
        report(place, problem.file.map { "\($0): \(problem.detail)" } ?? problem.description)
    }
}

extension ListenAddress {
    /// Whether the kernel chooses the port, so that two of these do not collide.
    var isAnyPort: Bool {
        switch self {
        case .ipv4(_, let port), .ipv6(_, let port): port == 0
        case .unix: false
        }
    }
}

extension Configuration {
    /// Listeners that others can reach in the clear.
    var listenerWarnings: [String] {
        listen.filter { $0.tls == nil && !$0.address.isLoopback }.map {
            "\($0.address) can be reached from other machines without TLS; add certificate and key, or listen on 127.0.0.1"
        }
    }
}
