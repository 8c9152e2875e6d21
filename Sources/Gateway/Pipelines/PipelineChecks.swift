import Runnable

/// What a route takes and gives.
struct RouteShape: Sendable, Equatable {
    var input: Shape
    var output: Shape
}

/// Works out the shapes of all routes and, while loading, reports what cannot work: names nobody has, steps that cannot follow each
/// other, variables that are not there, cycles.
final class PipelineChecks {
    private let configuration: Configuration
    /// Nil where the configuration was checked before.
    private let context: LoadContext?
    private var known: [String: RouteShape] = [:]
    /// Routes being worked out, the outermost first.
    private var open: [String] = []

    init(_ configuration: Configuration, context: LoadContext? = nil) {
        self.configuration = configuration
        self.context = context
    }

    /// What a route takes and gives; anything for one that does not exist.
    func shape(of path: String) -> RouteShape {
        if let shape = known[path] { return shape }
        guard let route = configuration.route(path) else { return RouteShape(input: .any, output: .any) }
        guard let steps = route.pipeline else {
            let shape = RouteShape(input: .modelInput, output: route.output == .text ? .string : .message)
            known[path] = shape
            return shape
        }
        open.append(path)
        let input = needs(steps, then: .any)
        let output = flow(steps, input)
        open.removeLast()
        let shape = RouteShape(input: input, output: output)
        known[path] = shape
        return shape
    }

    private func report(_ place: SettingPath, _ message: String) { context?.report(place, message) }

    // MARK: Backwards: what steps need

    /// What steps need of their input, when what they give has to serve `rest`.
    private func needs(_ steps: [StepSettings], then rest: Shape) -> Shape {
        var need = rest
        for step in steps.reversed() { need = needs(step, then: need) }
        return need
    }

    private func needs(_ step: StepSettings, then rest: Shape) -> Shape {
        var need = ownNeeds(step, then: rest)
        for other in step.others { need = merge([need, needs(other, then: rest)], isEither: true, step.place) }
        return need
    }

    private func ownNeeds(_ step: StepSettings, then rest: Shape) -> Shape {
        if let prompt = step.prompt { return promptNeeds(prompt, step) }
        if step.model != nil { return .modelInput }
        if step.parser != nil { return .answer }
        if let parallel = step.parallel {
            return merge(parallel.map { needs($0.steps, then: .any) }, isEither: false, step.place)
        }
        if let branch = step.branch { return branchNeeds(branch, then: rest, step.place) }
        if let map = step.map { return .list(needs(map, then: .any)) }
        if let assign = step.assign { return assignNeeds(assign, then: rest, step.place) }
        if let pick = step.pick { return pickNeeds(pick, then: rest) }
        if let path = step.route { return enter(path, step.place)?.input ?? .any }
        return rest
    }

    private func branchNeeds(_ arms: [BranchArm], then rest: Shape, _ place: SettingPath) -> Shape {
        let needs = arms.map { self.needs($0.steps, then: rest) }
        guard case .object(var members) = merge(needs, isEither: true, place) else {
            return merge(needs, isEither: true, place)
        }
        // What a condition looks at is known, but need not be there.
        for case let field? in arms.map({ $0.condition?.field }) {
            let key = String(field.split(separator: ".").first ?? "")
            if members[key] == nil { members.all.append(Shape.Member(key: key, shape: .any, isRequired: false)) }
        }
        return .object(members)
    }

    private func promptNeeds(_ prompt: PromptSettings, _ step: StepSettings) -> Shape {
        let bound = Set(step.configurable.map { $0.target ?? $0.id })
        let variables = (try? prompt.variables()) ?? []
        return .object(Shape.Members(all: variables.filter { !bound.contains($0.key) }))
    }

    private func assignNeeds(_ assign: [NamedSteps], then rest: Shape, _ place: SettingPath) -> Shape {
        var after = rest.members ?? Shape.Members()
        after.all.removeAll { member in assign.contains { $0.key == member.key } }
        after.isOpen = true
        return merge([.object(after)] + assign.map { needs($0.steps, then: .any) }, isEither: false, place)
    }

    private func pickNeeds(_ pick: PickSettings, then rest: Shape) -> Shape {
        switch pick {
        case .one(let key): .object(Shape.Members(all: [Shape.Member(key: key, shape: rest)], isOpen: true))
        case .several(let keys):
            .object(
                Shape.Members(
                    all: keys.map { Shape.Member(key: $0, shape: rest.members?[$0]?.shape ?? .any) },
                    isOpen: true
                )
            )
        }
    }

    private func merge(_ shapes: [Shape], isEither: Bool, _ place: SettingPath) -> Shape {
        var merged = shapes.first ?? .any
        for shape in shapes.dropFirst() {
            guard let both = ShapeMerging.merge(merged, shape, isEither: isEither) else {
                report(place, "gets one input, but its parts need \(merged.description) and \(shape.description)")
                return merged
            }
            merged = both
        }
        return merged
    }

    /// Another route's shape; nil for a cycle or a name nobody has, which is reported.
    private func enter(_ path: String, _ place: SettingPath) -> RouteShape? {
        if let start = open.firstIndex(of: path) {
            report(place.child("route"), "is a cycle: \((open[start...] + [path]).joined(separator: " -> "))")
            return nil
        }
        return shape(of: path)
    }

    // MARK: Forwards: what steps give

    /// What steps give for an input, reporting what cannot follow.
    private func flow(_ steps: [StepSettings], _ input: Shape) -> Shape {
        steps.reduce(input) { flow($1, $0) }
    }

    private func flow(_ step: StepSettings, _ input: Shape) -> Shape {
        let output = ownFlow(step, input)
        let outputs = step.others.map { flow($0, input) }
        return outputs.allSatisfy { $0 == output } ? output : .any
    }

    private func ownFlow(_ step: StepSettings, _ input: Shape) -> Shape {
        if let prompt = step.prompt {
            check(prompt, step, gets: input)
            return .prompt(isText: prompt.text != nil)
        }
        if step.model != nil {
            expect(input.isModelInput, step, "model", "needs a text, a prompt or messages", input)
            return .message
        }
        if let parser = step.parser {
            expect(input.isAnswer, step, "parser", "needs a model's answer or a text", input)
            return parser == .string ? .string : parser == .json ? .any : .list(.string)
        }
        if let parallel = step.parallel {
            let members = parallel.map { Shape.Member(key: $0.key, shape: flow($0.steps, input)) }
            return .object(Shape.Members(all: members))
        }
        if let branch = step.branch {
            let outputs = branch.map { flow($0.steps, input) }
            return outputs.allSatisfy { $0 == outputs[0] } ? outputs.first ?? .any : .any
        }
        if let map = step.map {
            expect(input.isList, step, "map", "needs a list", input)
            if case .list(let element) = input { return .list(flow(map, element)) }
            return .list(flow(map, .any))
        }
        return objectFlow(step, input)
    }

    private func objectFlow(_ step: StepSettings, _ input: Shape) -> Shape {
        if let assign = step.assign {
            expect(input.isObject, step, "assign", "needs an object", input)
            var members = input.members ?? Shape.Members(isOpen: true)
            for named in assign {
                let shape = flow(named.steps, input)
                members.all.removeAll { $0.key == named.key }
                members.all.append(Shape.Member(key: named.key, shape: shape))
            }
            return .object(members)
        }
        if let pick = step.pick {
            expect(input.isObject, step, "pick", "needs an object", input)
            return flow(pick, step, input)
        }
        if let path = step.route {
            guard !open.contains(path) else { return .any }
            let shape = shape(of: path)
            accept(shape.input, gets: input, step, path)
            return shape.output
        }
        return input
    }

    private func flow(_ pick: PickSettings, _ step: StepSettings, _ input: Shape) -> Shape {
        let members = input.members
        func member(_ key: String) -> Shape {
            if let members, members[key] == nil, !members.isOpen {
                let hint = Suggestion.hint(for: key, among: members.all.map(\.key))
                report(step.place.child("pick"), "there is no member \(quoted(key)) in what comes here\(hint)")
            }
            return members?[key]?.shape ?? .any
        }
        switch pick {
        case .one(let key): return member(key)
        case .several(let keys):
            return .object(
                Shape.Members(all: keys.map { Shape.Member(key: $0, shape: member($0), isRequired: false) })
            )
        }
    }

    private func check(_ prompt: PromptSettings, _ step: StepSettings, gets input: Shape) {
        guard let needs = promptNeeds(prompt, step).members else { return }
        let place = step.place.child("prompt")
        switch input {
        case .object(let members):
            for need in needs.all where need.isRequired && members[need.key] == nil && !members.isOpen {
                let hint = Suggestion.hint(for: need.key, among: members.all.map(\.key))
                let names = members.all.map(\.key).joined(separator: ", ")
                report(place, "needs the variable \(quoted(need.key)), but what comes here has \(names)\(hint)")
            }
        case .any: break
        case .string, .number, .integer, .boolean:
            if needs.all.count > 1 {
                let names = needs.all.map(\.key).joined(separator: ", ")
                report(place, "needs the variables \(names), but gets \(input.description)")
            }
        default: report(place, "needs an object of its variables, but gets \(input.description)")
        }
    }

    /// Whether a route can take what comes.
    private func accept(_ need: Shape, gets input: Shape, _ step: StepSettings, _ path: String) {
        let place = step.place.child("route")
        switch (need, input) {
        case (.any, _), (_, .any): break
        case (.object(let needs), .object(let members)):
            for need in needs.all where need.isRequired && members[need.key] == nil && !members.isOpen {
                report(place, "\(path) needs \(quoted(need.key)), which is not in what comes here")
            }
        case (.modelInput, _) where input.isModelInput, (.answer, _) where input.isAnswer: break
        case (.list, _) where input.isList: break
        default:
            if need != input { report(place, "\(path) needs \(need.description), but gets \(input.description)") }
        }
    }

    private func expect(_ isMet: Bool, _ step: StepSettings, _ key: String, _ need: String, _ input: Shape) {
        if !isMet { report(step.place.child(key), "\(need), but gets \(input.description)") }
    }
}

extension StepSettings {
    /// What may run instead of the step itself.
    var others: [[StepSettings]] { fallbacks + configurable.flatMap { $0.alternatives.map(\.steps) } }
}

extension Shape {
    fileprivate var isModelInput: Bool {
        switch self {
        case .any, .string, .modelInput, .messages, .prompt, .list(.any), .list(.message): true
        case .object(let members): members.isOpen || members["text"] != nil || members["messages"] != nil
        default: false
        }
    }

    fileprivate var isAnswer: Bool {
        switch self {
        case .any, .string, .message, .answer: true
        default: false
        }
    }

    fileprivate var isList: Bool {
        switch self {
        case .any, .list, .messages: true
        default: false
        }
    }

    fileprivate var isObject: Bool {
        switch self {
        case .any, .object: true
        default: false
        }
    }
}
