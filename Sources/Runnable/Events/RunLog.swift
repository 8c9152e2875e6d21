import Glibc

/// Turns the events of a run into changes of a document that tells of it: LangChain's run log (`langserve-protocol.md` 1.7).
///
/// The document has the root's output as far as it is made, and under `logs` an entry for each run below, keyed by its name; a name
/// that comes again gets `:2`, `:3` and so on. Chat models are of type `llm` here.
///
/// A text that grows is told whole with each piece, which would be gigabytes for a long one: above ``smallChange`` the changes of the
/// output come less often, so that all of them together are about ``growth`` times as long as the pieces. Behind the last piece the
/// document has all of it.
public struct RunLog: Sendable {
    /// Changes of the output that take up to this many bytes are told at once.
    public static let smallChange = 8192
    /// How much longer than the pieces larger changes may be.
    public static let growth = 16

    private let filter: RunEventFilter
    private let clock: @Sendable () -> Duration
    private var root: RunID?
    /// The sum of the root's pieces.
    private var output: RunValue?
    /// The output that the document has, where that is another than ``output``.
    private var told: RunValue?
    /// What changes of the output may still take, in bytes.
    private var credit = 0
    private var keys: [RunID: String] = [:]
    private var uses: [String: Int] = [:]

    /// The log of one run, whose events come from its start on.
    /// - Parameters:
    ///   - filter: which of the runs below the root are told of; the type word of chat models is `llm`.
    ///   - now: the time since the Unix epoch.
    public init(filter: RunEventFilter = .all, now: @escaping @Sendable () -> Duration = RunLog.now) {
        self.filter = filter
        clock = now
    }

    /// The time since the Unix epoch.
    public static let now: @Sendable () -> Duration = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// What the event changes; empty for one that is not told of.
    public mutating func operations(for event: RunEvent) -> [RunLogOperation] {
        guard let root else { return begin(event) }
        if event.runID == root { return rootOperations(event.phase) }
        if case .start = event.phase { return enter(event) }
        guard let key = keys[event.runID] else { return [] }
        let path = JSONPatch.join("/logs", key)
        switch event.phase {
        case .stream(let chunk):
            return pieces(chunk, event.kind, path)
        case .end(let output, _):
            return leave(event, path, Self.finalOutput(output ?? .null, of: event.kind))
        case .error:
            return leave(event, path, .null)
        case .start, .custom:
            return []
        }
    }

    private mutating func begin(_ event: RunEvent) -> [RunLogOperation] {
        guard case .start = event.phase else { return [] }
        root = event.runID
        let document: RunValue = [
            "id": .string(event.runID.description), "streamed_output": [], "final_output": nil, "logs": [:],
            "name": .string(event.name), "type": .string(Self.type(of: event.kind)),
        ]
        return [RunLogOperation(.replace, "", document)]
    }

    private mutating func rootOperations(_ phase: RunEvent.Phase) -> [RunLogOperation] {
        switch phase {
        case .stream(let chunk):
            return [RunLogOperation(.add, "/streamed_output/-", chunk)] + grow(by: chunk)
        case .end(let whole?, _):
            guard let sum = output else {
                // A run that reported no pieces gave its output as one.
                return [RunLogOperation(.add, "/streamed_output/-", whole)] + grow(by: whole)
            }
            output = whole
            return RunLogOperation.changes(from: told.take() ?? sum, to: whole, at: "/final_output")
        case .end(nil, _):
            guard let before = told.take(), let output else { return [] }
            return RunLogOperation.changes(from: before, to: output, at: "/final_output")
        case .start, .error, .custom:
            return []
        }
    }

    private mutating func grow(by chunk: RunValue) -> [RunLogOperation] {
        guard var sum = output.take() else {
            output = chunk
            return chunk.isNull ? [] : [RunLogOperation(.replace, "/final_output", chunk)]
        }
        let before = told.take() ?? sum
        // As in all sums of pieces, of those that cannot be added the last one counts.
        do { try sum.add(chunk) } catch { sum = chunk }
        output = sum
        let changes = RunLogOperation.changes(from: before, to: sum, at: "/final_output")
        if canAfford(changes, for: chunk) { return changes }
        told = before
        return []
    }

    private mutating func canAfford(_ changes: [RunLogOperation], for chunk: RunValue) -> Bool {
        let cost = changes.reduce(0) { $0 + RunCacheSize.of($1.value) }
        credit = min(credit + Self.growth * RunCacheSize.of(chunk), max(cost, Self.smallChange))
        guard cost > Self.smallChange else { return true }
        guard cost <= credit else { return false }
        credit -= cost
        return true
    }

    private mutating func enter(_ event: RunEvent) -> [RunLogOperation] {
        let type = Self.type(of: event.kind)
        guard filter.includes(name: event.name, type: type, tags: event.tags) else { return [] }
        let use = uses[event.name, default: 0] + 1
        uses[event.name] = use
        let key = use == 1 ? event.name : "\(event.name):\(use)"
        keys[event.runID] = key
        let entry: RunValue = [
            "id": .string(event.runID.description), "name": .string(event.name), "type": .string(type),
            "tags": event.tags.runValue, "metadata": event.metadata.withoutHiddenKeys.runValue,
            "start_time": .string(Self.timestamp(clock())), "streamed_output": [], "streamed_output_str": [],
            "final_output": nil, "end_time": nil,
        ]
        return [RunLogOperation(.add, JSONPatch.join("/logs", key), entry)]
    }

    private func pieces(_ chunk: RunValue, _ kind: RunKind, _ path: String) -> [RunLogOperation] {
        guard kind.streamsPieces else { return [] }
        let piece = RunLogOperation(.add, path + "/streamed_output/-", chunk)
        guard kind == .llm || kind == .chatModel else { return [piece] }
        let text = RunValue.generation(chunk)["text"] ?? ""
        return [RunLogOperation(.add, path + "/streamed_output_str/-", text), piece]
    }

    private mutating func leave(_ event: RunEvent, _ path: String, _ output: RunValue) -> [RunLogOperation] {
        keys[event.runID] = nil
        return [
            RunLogOperation(.add, path + "/final_output", output),
            RunLogOperation(.add, path + "/end_time", .string(Self.timestamp(clock()))),
        ]
    }

    private static func type(of kind: RunKind) -> String {
        kind == .chatModel ? RunKind.llm.rawValue : kind.rawValue
    }

    private static func finalOutput(_ output: RunValue, of kind: RunKind) -> RunValue {
        switch kind {
        case .chain, .parser: output.members == nil ? ["output": output] : output
        case .tool: ["output": output]
        case .retriever: ["documents": output]
        case .prompt: output
        case .llm, .chatModel:
            [
                "generations": RunValue([RunValue([.generation(output)])]), "llm_output": nil, "run": nil,
                "type": "LLMResult",
            ]
        }
    }
}
