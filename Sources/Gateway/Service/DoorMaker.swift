import EventLoop
import JSON
import Providers
import Runnable

/// Makes what serves a configuration's routes on one loop.
struct DoorMaker {
    let configuration: Configuration
    let loop: EventLoop
    let reader: LoopBound<JSONReader>
    let runIDs: LoopBound<RunIDSource>
    let clients: [String: BackendClient]
    let counters: [String: MockCounter]
    let steps: SharedSteps
    let counting: MetricCounting

    /// One for each route, in the configuration's order.
    func doors() -> [RouteDoor] {
        let checks = PipelineChecks(configuration)
        let builder = PipelineBuilder(configuration, clock: LoopClock(loop), shared: steps, counting: counting) {
            model($0, on: $1)
        }
        return configuration.routes.compactMap { door(for: $0, checks.shape(of: $0.path), builder) }
    }

    private func door(for route: RouteSettings, _ shape: RouteShape, _ builder: PipelineBuilder) -> RouteDoor? {
        guard let step = builder.step(of: route) else { return nil }  // the loader refuses dangling names
        let backends = configuration.backends(of: route)
        let service = RouteService(
            settings: route,
            backend: backends.map(\.name).joined(separator: ","),
            timeouts: configuration.effectiveTimeouts(route: route),
            abortsOnDisconnect: backends.allSatisfy(\.abortOnDisconnect),
            shape: shape,
            specs: configuration.configurableSpecs(of: route),
            number: counting.number(of: route)
        )
        guard route.pipeline == nil else {
            let run = PipelineRun(step: step, shape: shape.input, permits: counting.permits)
            return .pipeline(LangServeDoor(loop: loop, reader: reader, runIDs: runIDs, route: service, run: run))
        }
        guard let model = model(route.model, on: route) else { return nil }
        let run = ModelRun(model: model, streamedOutput: route.output, step: step)
        return .model(LangServeDoor(loop: loop, reader: reader, runIDs: runIDs, route: service, run: run))
    }

    private func model(_ name: String, on route: RouteSettings) -> (any ChatModel)? {
        guard let model = configuration.model(name), let backend = configuration.backend(model.backend) else {
            return nil
        }
        let number = counting.number(of: model, backend)
        switch backend.dialect {
        case .mock:
            guard let counter = counters[backend.name] else { preconditionFailure("no counter for \(backend.name)") }
            return MockModel(
                loop: loop,
                script: MockScript(backend.mock),
                name: model.model,
                backend: backend.name,
                number: number,
                counter: counter
            )
        case .openai:
            guard let client = clients[backend.name] else { preconditionFailure("no client for \(backend.name)") }
            let timeouts = configuration.effectiveTimeouts(route: route, model: name)
            return client.openAIModel(model, timeouts, reader: reader, number: number)
        }
    }
}

/// The loop's own timers for steps that wait.
struct LoopClock: RunClock {
    private let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    var now: ContinuousClock.Instant { .now }

    func sleep(until instant: ContinuousClock.Instant) async throws {
        try await loop.sleep(for: max(.zero, instant - .now))
    }
}

extension Configuration {
    /// The backends that a route's models are on, in the order they are named, each once.
    func backends(of route: RouteSettings) -> [BackendSettings] {
        var names: [String] = []
        var seen: Set<String> = []
        collectModels(of: route, into: &names, &seen)
        var backends: [BackendSettings] = []
        for name in names {
            guard let backend = model(name).flatMap({ self.backend($0.backend) }) else { continue }
            if !backends.contains(where: { $0.name == backend.name }) { backends.append(backend) }
        }
        return backends
    }

    private func collectModels(of route: RouteSettings, into names: inout [String], _ seen: inout Set<String>) {
        guard seen.insert(route.path).inserted else { return }
        if !route.model.isEmpty { names.append(route.model) }
        collect(route.pipeline ?? [], into: &names, &seen)
    }

    private func collect(_ steps: [StepSettings], into names: inout [String], _ seen: inout Set<String>) {
        for step in steps {
            if let model = step.model { names.append(model) }
            if let path = step.route, let inner = route(path) { collectModels(of: inner, into: &names, &seen) }
            collect(step.children, into: &names, &seen)
        }
    }
}
