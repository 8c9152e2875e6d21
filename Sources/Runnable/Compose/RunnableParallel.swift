/// Runnables side by side on the same input; makes an object of what each makes under its key, in the order of the keys.
///
/// - Streams: an object of one key for each chunk of a branch, as the chunks come; they add up to the whole. A branch is at most one chunk
///   ahead of who reads. Input that comes in pieces is given to all branches as it comes. A branch may be 16 pieces ahead of the
///   slowest one, so memory is bounded; only for branches that ``RunConfig/maxConcurrency`` keeps waiting is the whole input kept.
/// - Blocks: `invoke` calls the branches' `invoke`, on the calling thread and on threads made for this call; the other blocking methods wait
///   for the asynchronous ones, whose branches are child tasks and prefer the caller's executor.
/// - Limits: at most ``RunConfig/maxConcurrency`` branches at once, in the order of the keys, all at once without it (`invoke`: min(32, cores +
///   4)). Below 1 is an error, `caller_invalid`.
/// - Cancels: a branch that fails cancels the others, and all have ended when its error is thrown. Of several errors that of the first key
///   is thrown. Dropping a stream's iterator, or cancelling the task, cancels all branches.
/// - Retries nothing.
public struct RunnableParallel<Input: Sendable, InputChunk: Sendable>: AsyncRunnable {
    /// A branch, its own types forgotten.
    public typealias Branch = AnyRunnable<Input, InputChunk, RunValue, RunValue>

    /// Always an object.
    public typealias Output = RunValue
    /// Always an object of one key.
    public typealias Chunk = RunValue

    struct Entry: Sendable {
        let key: String
        var runnable: Branch
    }

    private(set) var entries: [Entry] = []

    /// `RunnableParallel<a,b>` with the keys.
    public var name: String { "RunnableParallel<\(keys.joined(separator: ","))>" }

    /// Those of all branches, each id once.
    public var configurableSpecs: [ConfigurableField] { .of(entries.map(\.runnable)) }

    /// The keys in order.
    public var keys: [String] { entries.map(\.key) }

    /// A parallel without branches, which makes an empty object.
    public init() {}

    /// The branches in order; of equal keys the last one stays, at the place of the first.
    public init(branches: [(String, Branch)]) {
        for (key, branch) in branches { add(key, branch) }
    }

    /// With another branch, or with another one for a key that there is.
    public func adding(_ key: String, _ runnable: some Runnable<Input, some Sendable>) -> RunnableParallel {
        var copy = self
        copy.add(key, runnable.valued(fedBy: InputChunk.self))
        return copy
    }

    mutating func add(_ key: String, _ branch: Branch) {
        if let place = entries.firstIndex(where: { $0.key == key }) {
            entries[place].runnable = branch
        } else {
            entries.append(Entry(key: key, runnable: branch))
        }
    }

    private func checkedLimit(_ config: RunConfig) throws -> Int {
        try BatchConfig.shared(config).checkedLimit(inputCount: 1) ?? max(entries.count, 1)
    }

    /// Calls the branches on the calling thread and on threads of its own.
    public func invoke(_ input: Input, config: RunConfig) throws -> RunValue {
        try RunScope(name, .chain, config).run(input) { config in
            _ = try checkedLimit(config)
            let configs = entries.map { config.child(step: .mapKey($0.key)) }
            let threads = try ThreadBatch(
                Array(entries.indices),
                .each(configs),
                isFailureFatal: true,
                cancelsEarlier: true
            ) { [entries] in try entries[$0].runnable.invoke(input, config: $1) }
            let results = threads.run().results
            var failures = FanFailures()
            for (index, result) in results.enumerated() {
                if case .failure(let error)? = result { failures.add(error, at: index) }
            }
            try failures.rethrow()
            return try object(
                results.map { result in
                    guard let result else { throw CancellationError() }
                    return try result.get()
                }
            )
        }
    }

    /// Calls the branches in child tasks.
    public func ainvoke(_ input: Input, config: RunConfig) async throws -> RunValue {
        try await RunScope(name, .chain, config).run(input) { config in
            let limit = try checkedLimit(config)
            if entries.count == 1 { return try await RunValue(entries[0].key, one(0, input, config)) }
            let outputs = try await TaskFan.run(count: entries.count, limit: limit) {
                try await one($0, input, config)
            }
            return object(outputs)
        }
    }

    private func one(_ index: Int, _ input: Input, _ config: RunConfig) async throws -> RunValue {
        let config = config.child(step: .mapKey(entries[index].key))
        try config.checkpoint()
        return try await entries[index].runnable.ainvoke(input, config: config)
    }

    private func object(_ outputs: [RunValue]) -> RunValue {
        var members = RunValue.Members()
        for (entry, output) in zip(entries, outputs) { members[entry.key] = output }
        return RunValue(members)
    }
}

extension RunnableParallel {
    /// The chunks of all branches as they come.
    public func astream(_ input: Input, config: RunConfig) -> RunStream<RunValue> {
        RunScope(name, .chain, config).streaming(input) { config in
            merged(config) { branch, config in
                guard config.isObserved else { return branch.astream(input, config: config) }
                // Watched, the branches are fed by streams, too, and report their runs as LangChain's do.
                let whole = PieceFitting.fit(RunStream.elements([input]), to: InputChunk.self)
                return branch.atransform(whole, config: config)
            }
        }
    }

    /// The chunks of all branches as they come; each is fed with all pieces of the input.
    public func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<RunValue> {
        RunScope(name, .chain, config).transforming(input) { input, config in
            if entries.count == 1 { return merged(config) { $0.atransform(input, config: $1) } }
            return RunStream {
                let limit = try checkedLimit(config)
                return CompletionSource { deliver in
                    let tee = InputTee(input, readers: entries.count)
                    if limit >= entries.count { tee.begin(entries.indices) }
                    defer { tee.close() }
                    _ = try await TaskFan.run(count: entries.count, limit: limit) { index in
                        tee.begin(CollectionOfOne(index))
                        defer { tee.end(index) }
                        let entry = entries[index]
                        let config = config.child(step: .mapKey(entry.key))
                        for try await chunk in entry.runnable.atransform(tee.stream(index), config: config) {
                            try await deliver(RunValue(entry.key, chunk))
                        }
                    }
                }
            }
        }
    }

    private func merged(
        _ config: RunConfig,
        _ open: @escaping @Sendable (Branch, RunConfig) -> RunStream<RunValue>
    ) -> RunStream<RunValue> {
        RunStream {
            let limit = try checkedLimit(config)
            return CompletionSource { deliver in
                _ = try await TaskFan.run(count: entries.count, limit: limit) { index in
                    let entry = entries[index]
                    for try await chunk in open(entry.runnable, config.child(step: .mapKey(entry.key))) {
                        try await deliver(RunValue(entry.key, chunk))
                    }
                }
            }
        }
    }
}
