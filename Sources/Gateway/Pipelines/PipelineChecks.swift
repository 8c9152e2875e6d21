import Runnable

/// What a route takes and gives.
struct RouteShape: Sendable, Equatable {
    var input: Shape
    var output: Shape
}

/// Works out the shapes of all routes and, while loading, reports what cannot work: names nobody has, steps that cannot follow each
/// other, variables that are not there, cycles.
final class PipelineChecks {
    private let index: ConfigurationIndex
    /// Nil where the configuration was checked before.
    private let context: LoadContext?
    private var known: [String: RouteShape] = [:]
    /// Routes being worked out, the outermost first, with how many routes stand inside each other there.
    private var open: [(path: String, depth: Int)] = []
    private var depths: [String: Int] = [:]
    /// Whether a route leads to itself, or through too many others, so that nothing should follow routes into each other.
    private(set) var hasEndlessRoutes = false

    /// How many routes may stand inside each other: what runs them has a stack.
    static let maximumDepth = 64

    init(_ configuration: Configuration, context: LoadContext? = nil) {
        index = ConfigurationIndex(configuration)
        self.context = context
    }

    /// What a route takes and gives; anything for one that does not exist.
    func shape(of path: String) -> RouteShape {
        if let shape = known[path] { return shape }
        guard let route = index.route(path) else { return RouteShape(input: .any, output: .any) }
        guard let steps = route.pipeline else {
            let shape = RouteShape(input: .modelInput, output: route.output == .text ? .string : .message)
            known[path] = shape
            return shape
        }
        open.append((path, 1))
        let input = needs(steps, then: .any)
        let output = flow(steps, input)
        depths[path] = open.removeLast().depth
        let shape = RouteShape(input: input, output: output)
        known[path] = shape
        return shape
    }

    private func report(_ place: SettingPath, _ message: @autoclosure () -> String) {
        if context != nil { context?.report(place, message()) }
    }

    // What came from variables is not shown.
    private func quotedName(_ name: String) -> String { context?.quotedName(name) ?? quoted(name) }

    private func listed(_ members: [Shape.Member]) -> String {
        members.isEmpty ? "no members" : members.map { context?.shown($0.key) ?? $0.key }.joined(separator: ", ")
    }

    private func hint(for key: String, among members: Shape.Members) -> String {
        // What comes here has been listed; only a likely slip is worth another word.
        let hint = context?.hint(for: key, among: members.all.map(\.key)) ?? ""
        return hint.hasPrefix("; did") ? hint : ""
    }

    private func words(_ shape: Shape) -> String { shape.words { context?.shown($0) ?? $0 } }

    // MARK: Backwards: what steps need

    /// What steps need of their input, when what they give has to serve `rest`.
    private func needs(_ steps: [StepSettings], then rest: Shape) -> Shape {
        guard !steps.isEmpty else { return .any }  // what could not be read may need anything
        var need = rest
        for step in steps.reversed() { need = needs(step, then: need).bounded }
        return need
    }

    private func needs(_ step: StepSettings, then rest: Shape) -> Shape {
        if step.isBroken { return .any }
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
        let need = merge(arms.map { needs($0.steps, then: rest) }, isEither: true, place)
        let keys = arms.compactMap { $0.condition?.firstKey }
        guard !keys.isEmpty else { return need }
        var members: Shape.Members
        switch need {
        case .object(let own): members = own
        case .any: members = Shape.Members(isOpen: true)
        // As an object a prompt has a text; its other members are there for the conditions alone.
        case .modelInput: members = Shape.Members(all: [Shape.Member(key: "text", shape: .string)])
        default: return need
        }
        // What a condition looks at is known, but need not be there.
        for key in keys where members[key] == nil {
            members.all.append(Shape.Member(key: key, shape: .any, isRequired: false))
        }
        return .object(members)
    }

    private func promptNeeds(_ prompt: PromptSettings, _ step: StepSettings) -> Shape {
        let bound = Set(step.configurable.filter { $0.alternatives.isEmpty }.map { $0.target ?? $0.id })
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
                    all: keys.map { key in
                        let member = rest.members?[key]
                        let isRequired = member?.isRequired ?? false
                        return Shape.Member(key: key, shape: member?.shape ?? .any, isRequired: isRequired)
                    },
                    isOpen: true
                )
            )
        }
    }

    private func merge(_ shapes: [Shape], isEither: Bool, _ place: SettingPath) -> Shape {
        var merged = shapes.first ?? .any
        for shape in shapes.dropFirst() {
            guard let both = ShapeMerging.merge(merged, shape, isEither: isEither) else {
                report(place, "gets one input, but its parts need \(words(merged)) and \(words(shape))")
                return .any  // so that the parts are not reported again
            }
            merged = both
        }
        return merged
    }

    /// Another route's shape; nil for a cycle or a name nobody has, which is reported.
    private func enter(_ path: String, _ place: SettingPath) -> RouteShape? {
        if let start = open.firstIndex(where: { $0.path == path }) {
            hasEndlessRoutes = true
            let names = open[start...].map(\.path) + [path]
            report(place.child("route"), "is a cycle: \(names.joined(separator: " -> "))")
            return nil
        }
        let isNew = known[path] == nil
        guard !isNew || open.count < Self.maximumDepth else { return tooDeep(place) }
        let shape = shape(of: path)
        let depth = 1 + (depths[path] ?? 1)
        guard depth <= Self.maximumDepth else { return tooDeep(place) }
        if let last = open.indices.last { open[last].depth = max(open[last].depth, depth) }
        return shape
    }

    private func tooDeep(_ place: SettingPath) -> RouteShape? {
        hasEndlessRoutes = true
        report(place.child("route"), "is more than \(Self.maximumDepth) routes inside each other")
        return nil
    }

    // MARK: Forwards: what steps give

    /// What steps give for an input, reporting what cannot follow.
    private func flow(_ steps: [StepSettings], _ input: Shape) -> Shape {
        steps.isEmpty ? .any : steps.reduce(input) { flow($1, $0).bounded }
    }

    private func flow(_ step: StepSettings, _ input: Shape) -> Shape {
        if step.isBroken {
            for steps in step.others { _ = flow(steps, input) }
            return .any
        }
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
            check(branch, step, input)
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
            // Looked at before, unless it was refused.
            guard let shape = known[path] else { return .any }
            accept(shape.input, gets: input, step, path)
            return shape.output
        }
        return input
    }

    private func flow(_ pick: PickSettings, _ step: StepSettings, _ input: Shape) -> Shape {
        let members = input.members
        func member(_ key: String) -> Shape {
            if let members, members[key] == nil, !members.isOpen {
                let here = "but what comes here has \(listed(members.all))\(hint(for: key, among: members))"
                report(step.place.child("pick"), "takes the member \(quotedName(key)), \(here)")
            }
            return members?[key]?.shape ?? .any
        }
        switch pick {
        case .one(let key): return member(key)
        case .several(let keys):
            return .object(
                Shape.Members(
                    all: keys.map {
                        Shape.Member(key: $0, shape: member($0), isRequired: members?[$0]?.isRequired ?? false)
                    }
                )
            )
        }
    }

    private func check(_ prompt: PromptSettings, _ step: StepSettings, gets input: Shape) {
        guard let needs = promptNeeds(prompt, step).members else { return }
        let place = step.place.child("prompt")
        let required = needs.all.filter(\.isRequired)
        switch input {
        case .object(let members):
            for need in required where members[need.key] == nil && !members.isOpen {
                let here = "but what comes here has \(listed(members.all))\(hint(for: need.key, among: members))"
                report(place, "needs the variable \(quotedName(need.key)), \(here)")
            }
        case .any: break
        case .prompt, .modelInput: report(place, "needs an object of its variables, but gets \(words(input))")
        default:
            // Anything else is the value of the only variable.
            if required.count > 1 {
                report(place, "needs the variables \(listed(required)), but gets \(words(input))")
            } else if required.isEmpty {
                report(place, "has no variable that could take \(words(input)), which comes here")
            }
        }
    }

    /// Whether conditions look at what can be there.
    private func check(_ arms: [BranchArm], _ step: StepSettings, _ input: Shape) {
        for (number, arm) in arms.enumerated() {
            guard let key = arm.condition?.firstKey else { continue }
            let place = step.place.child("branch").item(number).child("if").child("field")
            switch input {
            case .object(let members):
                guard members[key] == nil, !members.isOpen else { continue }
                let here = "but what comes here has \(listed(members.all))\(hint(for: key, among: members))"
                report(place, "looks at the member \(quotedName(key)), \(here)")
            case .string, .number, .integer, .boolean, .list:
                report(place, "looks at the member \(quotedName(key)), but what comes here is \(words(input))")
            default: continue
            }
        }
    }

    /// Whether a route can take what comes.
    private func accept(_ need: Shape, gets input: Shape, _ step: StepSettings, _ path: String) {
        let place = step.place.child("route")
        switch (need, input) {
        case (.any, _), (_, .any): break
        case (.object(let needs), .object(let members)):
            for need in needs.all where need.isRequired && members[need.key] == nil && !members.isOpen {
                let here = "but what comes here has \(listed(members.all))\(hint(for: need.key, among: members))"
                report(place, "\(path) needs the member \(quotedName(need.key)), \(here)")
            }
        case (.modelInput, _) where input.isModelInput, (.answer, _) where input.isAnswer: break
        case (.list, _) where input.isList: break
        default:
            if need != input { report(place, "\(path) needs \(words(need)), but gets \(words(input))") }
        }
    }

    private func expect(_ isMet: Bool, _ step: StepSettings, _ key: String, _ need: String, _ input: Shape) {
        guard !isMet else { return }
        // A fallback that is just a name has no key of its own.
        let place = step.place.child(key)
        report(context?.isSet(place) == false ? step.place : place, "\(need), but gets \(words(input))")
    }
}

extension ConditionSettings {
    /// The member of the input that it looks at, or into; nil for the input itself.
    var firstKey: String? { field?.split(separator: ".").first.map(String.init) }
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
