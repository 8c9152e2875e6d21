/// The configs of a batch.
public enum BatchConfig: Sendable {
    /// One config for all inputs. Its run id goes to the first input only; the others get ids of their own.
    case shared(RunConfig)
    /// One config for each input. Their number must match, and the first one's ``RunConfig/maxConcurrency`` counts.
    case each([RunConfig])

    /// The config of one input.
    func config(at index: Int) -> RunConfig {
        switch self {
        case .each(let configs): return configs[index]
        case .shared(var config):
            if index > 0 { config.runID = nil }
            return config
        }
    }

    /// How many may run at once, nil when nothing is said. Throws before anything runs when the batch makes no sense.
    func checkedLimit(inputCount: Int) throws(RunError) -> Int? {
        let first: RunConfig?
        switch self {
        case .shared(let config): first = config
        case .each(let configs):
            guard configs.count == inputCount else {
                throw RunError(
                    .callerInvalid,
                    "Number of configs (\(configs.count)) must match number of inputs (\(inputCount))",
                    status: 422
                )
            }
            first = configs.first
        }
        guard let limit = first?.maxConcurrency else { return nil }
        guard limit >= 1 else {
            throw RunError(.callerInvalid, "max_concurrency must be at least 1, not \(limit)", status: 422)
        }
        return limit
    }
}

/// The outcome of one input of a batch.
public struct BatchItem<Output: Sendable>: Sendable {
    /// Which input, counted from 0.
    public let index: Int
    /// Its output, or its error.
    public let result: Result<Output, any Error>

    /// An outcome.
    public init(index: Int, result: Result<Output, any Error>) {
        self.index = index
        self.result = result
    }
}

extension BatchItem {
    /// The error, if it failed.
    var failure: (any Error)? {
        if case .failure(let error) = result { error } else { nil }
    }
}

/// Whether an error says that the run was given up, and not that it failed. Such errors are never an item's result.
func isCancellation(_ error: any Error) -> Bool {
    error is CancellationError || (error as? RunError)?.code == .clientGone
}
