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
///
/// Places in errors are told as LangServe does: relative to the input or to the config where one of those is wrong inside.
struct EnvelopeDecoding {
    let reader: JSONReader
    let allowed: Set<RouteSettings.ConfigKey>
    let maxBatch: Int

    /// The body of `/invoke` or `/stream`.
    func single(_ body: [UInt8]) throws(RequestProblem) -> SingleRequest {
        try read(body) { root throws(RequestProblem) in
            guard let input = root["input"] else { throw .missing("input", in: root) }
            let config = root["config"]
            if let config, config.kind != .object, !config.isNull {
                throw .at(["config"], "dict_type", "Input should be a valid dictionary", config)
            }
            return SingleRequest(
                prompt: try PromptDecoding.prompt(input),
                config: try ConfigDecoding(allowed: allowed).config(config)
            )
        }
    }

    /// The body of `/batch`.
    func batch(_ body: [UInt8]) throws(RequestProblem) -> BatchRequest {
        try read(body) { root throws(RequestProblem) in
            guard let inputs = root["inputs"] else { throw .missing("inputs", in: root) }
            let prompts = try prompts(inputs)
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

    private func prompts(_ inputs: JSONView) throws(RequestProblem) -> [ChatPrompt] {
        guard inputs.kind == .array else { throw .at(["inputs"], "list_type", "Input should be a valid list", inputs) }
        let count = inputs.count
        guard count <= maxBatch else {
            let message = "List should have at most \(maxBatch) items after validation, not \(count)"
            throw .at(["inputs"], "too_long", message, inputs)
        }
        var prompts: [ChatPrompt] = []
        prompts.reserveCapacity(count)
        for input in inputs.elements {
            let prompt = try RequestProblem.within("inputs", .index(prompts.count)) { () throws(RequestProblem) in
                try PromptDecoding.prompt(input)
            }
            prompts.append(prompt)
        }
        return prompts
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
                let config = try RequestProblem.within("config", .index(configs.count)) { () throws(RequestProblem) in
                    try decoding.config(element)
                }
                configs.append(config)
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
        } catch let error as JSONError where error.reason == .tooDeep {
            throw .sentence("Invalid JSON body: nested more than \(JSONReader.defaultDepth) levels deep")
        } catch {
            throw .invalidJSON
        }
    }
}
