import JSON
import Runnable

/// What `/invoke` and the streams were asked.
struct SingleRequest<Input: Sendable> {
    var input: Input
    var config: RunConfig
    /// Which events are wanted, where the caller was asked: for the event streams only. All else would copy its lists for nothing.
    var filter: RunEventFilter?
}

/// What `/batch` was asked.
struct BatchRequest<Input: Sendable> {
    var inputs: [Input]
    /// One for each input.
    var configs: [RunConfig]
    /// The caller's limit on items at once, from the first config.
    var maxConcurrency: Int?
    var returnsExceptions: Bool
}

/// Reads request bodies (langserve-protocol.md, 1.1). Unknown keys and `kwargs` of any shape are ignored.
///
/// Places in errors are told as LangServe does: relative to the input or to the config where one of those is wrong inside.
struct EnvelopeDecoding<Run: RouteRun> {
    let reader: JSONReader
    let run: Run
    let config: ConfigDecoding
    let maxBatch: Int

    /// Values and keys in one body. Making our own values of them takes some 200 ns and 100 bytes each, with everybody else on the
    /// loop waiting: 32 MiB of `{}` took seconds and a gigabyte. A batch of 10,000 conversations of 20 messages has 1.2 million.
    static var maximumNodes: Int { 2_000_000 }

    /// The body of `/invoke`, `/stream`, or an event stream.
    func single(_ body: [UInt8], isEvents: Bool = false) throws(RequestProblem) -> SingleRequest<Run.Input> {
        try read(body) { root throws(RequestProblem) in
            guard let input = root["input"] else { throw .missing("input", in: root) }
            let config = root["config"]
            if let config, config.kind != .object, !config.isNull {
                throw .at(["config"], "dict_type", "Input should be a valid dictionary", config)
            }
            var single = SingleRequest(input: try run.input(input), config: try self.config.config(config))
            if isEvents { single.filter = try EventFilterDecoding.filter(root) }
            return single
        }
    }

    /// The body of `/batch`.
    func batch(_ body: [UInt8]) throws(RequestProblem) -> BatchRequest<Run.Input> {
        try read(body) { root throws(RequestProblem) in
            guard let inputs = root["inputs"] else { throw .missing("inputs", in: root) }
            let read = try self.inputs(inputs)
            let configs = try batchConfigs(root["config"], count: read.count)
            var returnsExceptions = false
            if let flag = root["return_exceptions"], !flag.isNull {
                guard let value = flag.bool else {
                    throw .at(["return_exceptions"], "bool_type", "Input should be a valid boolean", flag)
                }
                returnsExceptions = value
            }
            return BatchRequest(
                inputs: read,
                configs: configs,
                maxConcurrency: configs.first?.maxConcurrency,
                returnsExceptions: returnsExceptions
            )
        }
    }

    private func inputs(_ inputs: JSONView) throws(RequestProblem) -> [Run.Input] {
        guard inputs.kind == .array else { throw .at(["inputs"], "list_type", "Input should be a valid list", inputs) }
        let count = inputs.count
        guard count <= maxBatch else {
            let message = "List should have at most \(maxBatch) items after validation, not \(count)"
            throw .at(["inputs"], "too_long", message, inputs)
        }
        var read: [Run.Input] = []
        read.reserveCapacity(count)
        for input in inputs.elements {
            let value = try RequestProblem.within("inputs", .index(read.count)) { () throws(RequestProblem) in
                try run.input(input)
            }
            read.append(value)
        }
        return read
    }

    private func batchConfigs(_ view: JSONView?, count: Int) throws(RequestProblem) -> [RunConfig] {
        let decoding = config
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
                guard root.nodeCount <= Self.maximumNodes else {
                    throw .sentence("Invalid JSON body: more than \(Self.maximumNodes) values and keys")
                }
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
