import EventLoop
import Runnable

/// One call of a ``MockModel``: its clock and its way through the script. Used by one task.
final class MockRun {
    let tokens: MockTokens
    private let script: MockScript
    private let name: String
    private let promptTokens: Int
    private let deadline: MonotonicTime
    private let loop: EventLoop
    private let sleeper: LoopSleeper
    private let start = MonotonicTime.now
    private var headTime: MonotonicTime?
    private let record: ModelCall?

    init(
        script: MockScript,
        name: String,
        prompt: ChatPrompt,
        deadline: ContinuousClock.Instant?,
        loop: EventLoop,
        record: ModelCall?
    ) {
        self.record = record
        self.script = script
        self.name = name
        self.deadline = deadline.map { MonotonicTime($0) } ?? .distantFuture
        self.loop = loop
        sleeper = LoopSleeper(on: loop)
        if let tool = script.tool {
            tokens = tool.tokens
        } else {
            switch script.reply {
            case .words: tokens = MockTokens(words: script.tokens)
            case .text(let text): tokens = MockTokens(text: text)
            case .echo:
                let message = prompt.messages.last { $0.role == .human } ?? prompt.messages.last
                tokens = MockTokens(text: message?.content.text ?? "")
            }
        }
        promptTokens = prompt.messages.reduce(0) { $0 + MockTokens.countWords($1.content.text.utf8) }
    }

    /// Up to the moment at which a server's head would be there.
    func begin(status: Int) async throws {
        try Task.checkCancellation()
        guard deadline > .now else { throw outOfTime }
        if script.latency > .zero { try await sleep(until: .now + script.latency) }
        if script.stall?.position == .head { try await stall() }
        if script.cut?.position == .head {
            throw RunError(.upstreamConnect, detail: "mock script: the connection ended before an answer")
        }
        guard status == 200 else {
            throw RunError(
                RunError.Code(upstreamStatus: status),
                detail: "mock script: status \(status)",
                status: status,
                retryAfter: script.retryAfter.map { .seconds($0) },
                upstreamStatus: status
            )
        }
        let now = MonotonicTime.now
        headTime = now
        record?.gotHead(queue: .zero, connect: .zero, head: now - start)
    }

    /// Tokens that come without a pause at most: a server's arrive in pieces, between which others have their turn.
    private static let tokensPerTurn = 256

    /// Up to the moment at which token `index` is due; behind the last token, up to the end.
    func reach(_ index: Int) async throws {
        if index > 0 && index.isMultiple(of: Self.tokensPerTurn) {
            await loop.nextTurn()
            try Task.checkCancellation()
        }
        if index < tokens.count {
            let delay = script.delay(ofToken: index)
            if delay > .zero { try await sleep(until: (headTime ?? start) + delay) }
        }
        if script.stall?.position == .token(index) { try await stall() }
        if script.errorAfter == index {
            throw RunError(.upstream5xx, detail: "mock script: error behind token \(index)")
        }
        if script.cut?.position == .token(index) {
            throw RunError(.truncated, detail: "mock script: cut behind token \(index)")
        }
        if index < tokens.count { record?.gotContent(at: .now) }
    }

    /// Enters the end into the record: with everything said, or with what was thrown. Any thread; the first time counts.
    func ended(throwing error: (any Error)? = nil) {
        guard let record else { return }
        if let error { record.end(throwing: error) } else { record.end(usage, metadata) }
    }

    private func stall() async throws {
        try await sleep(until: script.stall?.duration.map { .now + $0 } ?? .distantFuture)
    }

    private func sleep(until time: MonotonicTime) async throws {
        try await sleeper.sleep(until: min(time, deadline))
        if deadline <= time { throw outOfTime }
    }

    /// Says where the time went, as an upstream over the network would have it said.
    private var outOfTime: RunError {
        let now = MonotonicTime.now
        let phase = headTime == nil ? "waiting for the response head" : "streaming"
        return RunError(
            .timeoutTotal,
            "timeout_total after \((now - start).wholeMilliseconds) ms: \(phase) "
                + "\((now - (headTime ?? start)).wholeMilliseconds) ms",
            detail: "the deadline passed in the mock"
        )
    }

    // MARK: The answer

    func chunk(_ index: Int) -> MessageChunk {
        guard let tool = script.tool else { return MessageChunk(text: tokens.text(at: index)) }
        var chunk = MessageChunk()
        chunk.toolCallChunks = [
            ToolCallChunk(
                name: index == 0 ? tool.name : nil,
                arguments: tokens.text(at: index),
                id: index == 0 ? MockScript.Tool.callID : nil,
                index: 0
            )
        ]
        return chunk
    }

    var lastChunk: MessageChunk {
        var chunk = MessageChunk(isLast: true)
        chunk.responseMetadata = metadata
        chunk.usage = usage
        return chunk
    }

    var metadata: Value.Object {
        var metadata: Value.Object = [:]
        let finish = script.finish ?? (script.tool == nil ? "stop" : "tool_calls")
        if !finish.isEmpty { metadata["finish_reason"] = .string(finish) }
        metadata["model_name"] = .string(name)
        return metadata
    }

    var usage: UsageMetadata? {
        script.usage == .none ? nil : UsageMetadata(inputTokens: promptTokens, outputTokens: tokens.count)
    }
}
