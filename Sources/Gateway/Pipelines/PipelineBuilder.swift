import EventLoop
import Runnable

/// Makes runnables of the configuration's routes, for one loop. A route that is used by several others is made once.
final class PipelineBuilder {
    private let configuration: Configuration
    private let index: ConfigurationIndex
    /// A model of the configuration with the timeouts of a route.
    private let makeModel: (_ name: String, _ route: RouteSettings) -> (any ChatModel)?
    /// What steps wait with.
    private let clock: any RunClock
    private let shared: SharedSteps
    private let counting: MetricCounting
    private var made: [String: Step] = [:]

    /// - Parameters:
    ///   - shared: what steps of all loops have together.
    ///   - counting: counts what steps do.
    init(
        _ configuration: Configuration,
        clock: any RunClock,
        shared: SharedSteps,
        counting: MetricCounting,
        makeModel: @escaping (_ name: String, _ route: RouteSettings) -> (any ChatModel)?
    ) {
        self.configuration = configuration
        index = ConfigurationIndex(configuration)
        self.clock = clock
        self.shared = shared
        self.counting = counting
        self.makeModel = makeModel
    }

    /// What a route runs; nil for one that does not exist, which the loader refuses.
    func step(of route: RouteSettings) -> Step? {
        if let step = made[route.path] { return step }
        let step: Step?
        if let pipeline = route.pipeline {
            step = steps(pipeline, route)
        } else {
            step = modelStep(route.model, [], route).map { model in
                route.output == .text ? sequence([model, Self.parser(.string)]) : model
            }
        }
        made[route.path] = step
        return step
    }

    /// Steps one after the other.
    private func steps(_ settings: [StepSettings], _ route: RouteSettings) -> Step? {
        var steps: [Step] = []
        for setting in settings {
            guard let step = step(setting, route) else { return nil }
            steps.append(step)
        }
        return sequence(steps)
    }

    private func sequence(_ steps: [Step]) -> Step {
        if steps.count == 1 { return steps[0] }
        // Empty lists of steps are refused by the loader.
        return (try? RunnableValueSequence(steps))?.erased ?? Self.passthrough
    }

    private static let passthrough: Step = RunnablePassthrough<RunValue, RunValue>().erased

    private func step(_ settings: StepSettings, _ route: RouteSettings) -> Step? {
        guard var step = bare(settings, route) else { return nil }
        if let name = settings.name { step = step.named(name).erased }
        step = decorated(step, settings, route)
        let fallbacks = settings.fallbacks.compactMap { steps($0, route) }
        if !fallbacks.isEmpty {
            step = step.withFallbacks(fallbacks, clock: clock, onFallback: counting.fallback(of: route)).erased
        }
        for choice in settings.configurable where !choice.alternatives.isEmpty {
            var alternatives: [String: Step] = [:]
            for named in choice.alternatives { alternatives[named.key] = steps(named.steps, route) }
            step = AlternativesStep(id: choice.id, standard: step, alternatives: alternatives).erased
        }
        return step
    }

    /// Around the step, from the inside: permits, time, attempts, memory.
    private func decorated(_ step: Step, _ settings: StepSettings, _ route: RouteSettings) -> Step {
        var step = step
        if let limiter = shared.limiter(settings, clock) { step = step.rateLimited(by: limiter).erased }
        if let timeout = settings.timeout { step = step.withTimeout(timeout, clock: clock).erased }
        if let retry = settings.retry {
            let waits = RetryWaits(initial: retry.initial, maximum: retry.maximum, jitter: retry.jitter)
            let budget = shared.budget(route)
            var policy = RetryPolicy(
                attempts: retry.attempts,
                waits: waits,
                isRetryable: Self.isRetryable,
                budget: budget,
                clock: clock
            )
            policy.onRetry = counting.retry(of: route)
            step = step.withRetry(policy).erased
        }
        if let cache = shared.cache(settings) {
            step =
                step.cached(
                    in: cache,
                    as: settings.place.text,
                    sharing: shared.calls(settings),
                    countsDeclaredOnly: true
                )
                .erased
        }
        return step
    }

    /// What `retry` repeats: every failure of an upstream that another call may not have. Its verdict on the request or on our account is
    /// definitive, and what we refuse ourselves is not worth a call (G10).
    private static func isRetryable(_ error: any Error) -> Bool {
        switch (error as? RunError)?.code {
        case .upstreamRate?, .upstreamOverload?, .upstream5xx?, .upstreamConnect?, .upstreamTLS?, .upstreamDNS?,
            .upstreamProtocol?, .truncated?, .timeoutConnect?, .timeoutTLS?, .timeoutHead?, .timeoutFirstToken?,
            .timeoutIdle?, .timeoutTotal?:
            true
        default: false
        }
    }

    private func bare(_ settings: StepSettings, _ route: RouteSettings) -> Step? {
        let parameters = settings.configurable.filter { $0.alternatives.isEmpty }.map {
            ConfigurableParameter(id: $0.id, target: $0.target ?? $0.id, fallback: $0.fallback?.value)
        }
        if let prompt = settings.prompt {
            return (try? prompt.runnable()).map { PromptStep(template: $0, parameters: parameters).erased }
        }
        if let model = settings.model { return modelStep(model, parameters, route) }
        if let parser = settings.parser { return Self.parser(parser) }
        if let parallel = settings.parallel { return self.parallel(parallel, route)?.erased }
        if let assign = settings.assign { return self.parallel(assign, route).map { RunnableAssign($0).erased } }
        if let branch = settings.branch { return self.branch(branch, route) }
        if let map = settings.map {
            return steps(map, route).map { MapStep(each: $0.mapValues(), limit: route.maxBatch).erased }
        }
        if let pick = settings.pick {
            switch pick {
            case .one(let key): return RunnablePick(key).erased
            case .several(let keys): return RunnablePick(keys).erased
            }
        }
        if let path = settings.route { return index.route(path).flatMap { step(of: $0)?.named(path).erased } }
        return Self.passthrough
    }

    private func modelStep(_ name: String, _ parameters: [ConfigurableParameter], _ route: RouteSettings) -> Step? {
        makeModel(name, route).map { ModelStep(model: $0, name: name, parameters: parameters).erased }
    }

    private func parallel(_ named: [NamedSteps], _ route: RouteSettings) -> RunnableParallel<RunValue, RunValue>? {
        var parallel = RunnableParallel<RunValue, RunValue>()
        for entry in named {
            guard let step = steps(entry.steps, route) else { return nil }
            parallel = parallel.adding(entry.key, step)
        }
        return parallel
    }

    private func branch(_ arms: [BranchArm], _ route: RouteSettings) -> Step? {
        var conditional: [RunnableBranch<RunValue, RunValue, RunValue>.Arm] = []
        var otherwise: Step?
        for arm in arms {
            guard let step = steps(arm.steps, route) else { return nil }
            guard let settings = arm.condition else {
                otherwise = step
                continue
            }
            let condition = Condition(settings)
            conditional.append(.when({ condition.holds(for: $0) }, step))
        }
        guard let otherwise else { return nil }
        return (try? RunnableBranch(arms: conditional, default: otherwise))?.erased
    }

    private static func parser(_ kind: ParserKind) -> Step {
        switch kind {
        case .string:
            OutputParser<StringParsing, RunValue, RunValue, RunValue, RunValue>(
                output: { .string($0) },
                chunk: { .string($0) }
            ).erased
        case .json:
            OutputParser<JSONParsing, RunValue, RunValue, RunValue, RunValue>(
                output: { .value($0) },
                chunk: { .snapshot($0.value) }
            ).erased
        case .list: list(CommaListStyle.self)
        case .numberedList: list(NumberedListStyle.self)
        case .markdownList: list(MarkdownListStyle.self)
        }
    }

    private static func list<Style: ListParsingStyle>(_ style: Style.Type) -> Step {
        OutputParser<ListParsing<Style>, RunValue, RunValue, RunValue, RunValue>(
            output: { $0.runValue },
            chunk: { $0.runValue }
        ).erased
    }
}
