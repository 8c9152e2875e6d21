import JSON
import Runnable

/// What `/invoke` and `/stream` were asked.
struct SingleRequest {
    var prompt: ChatPrompt
    var config: RunConfig
}

/// What `/batch` was asked.
struct BatchRequest {
    var prompts: [ChatPrompt]
    /// One for each prompt.
    var configs: [RunConfig]
    /// The caller's limit on items at once, from the first config.
    var maxConcurrency: Int?
    var returnsExceptions: Bool
}

/// Reads request bodies (langserve-protocol.md, 1.1). Unknown keys and `kwargs` of any shape are ignored.
struct EnvelopeDecoding {
    let reader: JSONReader
    let allowed: Set<RouteSettings.ConfigKey>
    let maxBatch: Int

    /// The body of `/invoke` or `/stream`.
    func single(_ body: [UInt8]) throws(RequestProblem) -> SingleRequest {
        try read(body) { root throws(RequestProblem) in
            guard let input = root["input"] else { throw .missing("input", in: root) }
            return SingleRequest(
                prompt: try PromptDecoding.prompt(input),
                config: try ConfigDecoding(allowed: allowed).config(root["config"])
            )
        }
    }

    /// The body of `/batch`.
    func batch(_ body: [UInt8]) throws(RequestProblem) -> BatchRequest {
        try read(body) { root throws(RequestProblem) in
            guard let inputs = root["inputs"] else { throw .missing("inputs", in: root) }
            guard inputs.kind == .array else {
                throw .at(["inputs"], "list_type", "Input should be a valid list", inputs)
            }
            var prompts: [ChatPrompt] = []
            for input in inputs.elements {
                guard prompts.count < maxBatch else {
                    throw .sentence("inputs: List should have at most \(maxBatch) items")
                }
                prompts.append(try PromptDecoding.prompt(input, at: ["inputs", .index(prompts.count)]))
            }
            let configs = try batchConfigs(root["config"], count: prompts.count)
            var returnsExceptions = false
            if let flag = root["return_exceptions"], !flag.isNull {
                guard let value = flag.bool else {
                    throw .at(["return_exceptions"], "bool_type", "Input should be a valid boolean", flag)
                }
                returnsExceptions = value
            }
            return BatchRequest(
                prompts: prompts,
                configs: configs,
                maxConcurrency: configs.first?.maxConcurrency,
                returnsExceptions: returnsExceptions
            )
        }
    }

    private func batchConfigs(_ view: JSONView?, count: Int) throws(RequestProblem) -> [RunConfig] {
        let decoding = ConfigDecoding(allowed: allowed)
        switch view?.kind {
        case nil, .null, .object:
            var shared = try decoding.config(view)
            guard count > 0 else { return [] }
            // A run id names one run: the first element's.
            let first = shared
            shared.runID = nil
            return [first] + Array(repeating: shared, count: count - 1)
        case .array:
            guard let view, view.count == count else {
                throw .sentence(
                    "Number of configs (\(view?.count ?? 0)) must match number of inputs (\(count))"
                )
            }
            var configs: [RunConfig] = []
            for element in view.elements {
                configs.append(try decoding.config(element, at: ["config", .index(configs.count)]))
            }
            return configs
        default: throw .sentence("Value for 'config' key must be a dict or list if provided")
        }
    }

    private func read<R>(
        _ body: [UInt8],
        _ decode: (JSONView) throws(RequestProblem) -> R
    ) throws(RequestProblem) -> R {
        do {
            return try reader.read(body) { root throws(RequestProblem) in
                guard root.kind == .object else {
                    throw .at([], "model_type", "Input should be a valid dictionary or object", root)
                }
                return try decode(root)
            }
        } catch let problem as RequestProblem {
            throw problem
        } catch {
            throw .invalidJSON
        }
    }
}
