import Runnable

/// Runs a step on each element of a list, and refuses lists that are longer than a batch of the route may be.
///
/// Waits for its input, gives the outputs in the elements' order when all are done. Cancelling cancels all elements; the first failure does too.
struct MapStep: AsyncRunnable {
    /// The step for every element, as a runnable of lists.
    let each: Step
    /// The most elements.
    let limit: Int

    var name: String { each.name }

    var configurableSpecs: [ConfigurableField] { each.configurableSpecs }

    func ainvoke(_ input: RunValue, config: RunConfig) async throws -> RunValue {
        try check(input)
        return try await each.ainvoke(input, config: config)
    }

    func atransform(_ input: RunStream<RunValue>, config: RunConfig) -> RunStream<RunValue> {
        let limit = limit
        return each.atransform(input.mapElements { try Self.check($0, limit) }, config: config)
    }

    func astream(_ input: RunValue, config: RunConfig) -> RunStream<RunValue> {
        do { try check(input) } catch { return .failing(error) }
        return each.astream(input, config: config)
    }

    private func check(_ input: RunValue) throws { _ = try Self.check(input, limit) }

    private static func check(_ input: RunValue, _ limit: Int) throws -> RunValue {
        let count =
            switch input {
            case .value(.array(let values)), .snapshot(.array(let values)): values.count
            case .list(let elements): elements.count
            default: 0
            }
        guard count <= limit else {
            throw RunError(.callerInvalid, "a list may have at most \(limit) elements here, not \(count)", status: 422)
        }
        return input
    }
}
