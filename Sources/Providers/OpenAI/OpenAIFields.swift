import Glibc
import JSON
import Runnable

/// The parts that whole answers and chunks of a stream have in common.

extension JSONView {
    /// Whether this, an object's key, is `text`. Keys with escapes are never ours.
    @inline(__always)
    func isKey(_ text: StaticString) -> Bool {
        guard let bytes = stringBytes, bytes.count == text.utf8CodeUnitCount, let start = bytes.baseAddress else {
            return false
        }
        return memcmp(start, text.utf8Start, bytes.count) == 0
    }

    /// The string when it is one and has something in it.
    var nonEmptyString: String? {
        guard kind == .string, raw.count > 2 else { return nil }
        return string
    }
}

/// A `message` or `delta`: the members that the answer is made of. Lent, as its views.
struct OpenAIMessageFields {
    var content: JSONView?
    var reasoning: JSONView?
    /// OpenRouter's: parts of the reasoning, some encrypted, which it wants back with the message.
    var reasoningDetails: JSONView?
    var refusal: JSONView?
    var toolCalls: JSONView?
    var functionCall: JSONView?

    /// Whether there is nothing but content.
    var isTextAlone: Bool {
        reasoning == nil && refusal == nil && toolCalls == nil && functionCall == nil && reasoningDetails == nil
    }

    init(_ object: JSONView) {
        for (key, value) in object.members where !value.isNull {
            // A switch on the length first: most keys are told apart by it.
            switch key.raw.count - 2 {
            case 7:
                if key.isKey("content") { content = value } else if key.isKey("refusal") { refusal = value }
            case 9 where key.isKey("reasoning"):
                // Some servers send both spellings with the same text.
                if reasoning == nil { reasoning = value }
            case 17:
                if key.isKey("reasoning_content") {
                    reasoning = value
                } else if key.isKey("reasoning_details") {
                    reasoningDetails = value
                }
            case 10 where key.isKey("tool_calls"): toolCalls = value
            case 13 where key.isKey("function_call"): functionCall = value
            default: continue
            }
        }
    }
}

/// OpenRouter's `reasoning_details`, which it wants back with the message as they were: all pieces in order.
struct ReasoningDetails {
    /// Beyond this many bytes they are given up: a part of them is of no use.
    static let maximum = 4 << 20

    private var pieces: [Value] = []
    private var bytes = 0

    /// All pieces; nil without any.
    var list: Value? { pieces.isEmpty ? nil : .array(pieces) }

    /// Adds the elements of a list; anything else is none.
    mutating func add(_ view: JSONView) {
        bytes += view.raw.count
        guard bytes <= ReasoningDetails.maximum else { return pieces = [] }
        for piece in view.elements { pieces.append(Value(piece)) }
    }
}

/// What searching models say of their sources, beside the choices.
enum OpenAISources {
    /// Whether `key` is one of Perplexity's `citations` and `search_results`, and its name then.
    static func name(of key: JSONView) -> String? {
        switch key.raw.count - 2 {
        case 9 where key.isKey("citations"): "citations"
        case 14 where key.isKey("search_results"): "search_results"
        default: nil
        }
    }
}

/// What content comes to: text, and the text of reasoning parts among typed parts.
struct OpenAIContent {
    var text = ""
    var reasoning = ""

    /// Reads a string, or a list of strings and typed parts.
    init(_ view: JSONView?) {
        guard let view else { return }
        if view.kind == .string {
            text = view.string ?? ""
        } else {
            for part in view.elements { add(part) }
        }
    }

    private mutating func add(_ part: JSONView) {
        if let bare = part.string {
            text += bare
        } else if let inner = part["thinking"] {
            // Mistral: {"type":"thinking","thinking":[{"type":"text","text":"..."}]}
            let thought = OpenAIContent(inner)
            reasoning += thought.text + thought.reasoning
        } else if let inner = part["text"]?.string ?? part["refusal"]?.string {
            text += inner
        }
    }
}

extension UsageMetadata {
    /// Reads a `usage` object; nil when it counts neither input nor output.
    init?(openAI view: JSONView) {
        guard view.kind == .object else { return nil }
        var input: Int?
        var output: Int?
        var total: Int?
        var inputDetails: JSONView?
        var outputDetails: JSONView?
        var cacheHits: Int?
        for (key, value) in view.members {
            switch key.raw.count - 2 {
            case 12:
                if key.isKey("total_tokens") {
                    total = value.tokenCount
                } else if key.isKey("input_tokens") {
                    input = input ?? value.tokenCount
                }
            case 13:
                if key.isKey("prompt_tokens") {
                    input = value.tokenCount ?? input
                } else if key.isKey("output_tokens") {
                    output = output ?? value.tokenCount
                }
            case 17 where key.isKey("completion_tokens"): output = value.tokenCount ?? output
            case 21 where key.isKey("prompt_tokens_details"): inputDetails = value
            case 23 where key.isKey("prompt_cache_hit_tokens"): cacheHits = value.tokenCount
            case 25 where key.isKey("completion_tokens_details"): outputDetails = value
            default: continue
            }
        }
        guard input != nil || output != nil else { return nil }
        self.init(inputTokens: input ?? 0, outputTokens: output ?? 0, totalTokens: total)
        inputTokenDetails = UsageMetadata.details(inputDetails, "cached_tokens", as: "cache_read", cacheHits)
        outputTokenDetails = UsageMetadata.details(outputDetails, "reasoning_tokens", as: "reasoning", nil)
    }

    /// Both kinds of details have one count of their own beside that of audio. Nil without any.
    private static func details(
        _ view: JSONView?,
        _ key: StaticString,
        as name: String,
        _ otherwise: Int?
    ) -> [String: Int]? {
        let count = view?[key]?.tokenCount ?? otherwise
        let audio = view?["audio_tokens"]?.tokenCount
        switch (count, audio) {
        case (nil, nil): return nil
        case (let count?, nil): return [name: count]
        case (nil, let audio?): return ["audio": audio]
        case (let count?, let audio?): return [name: count, "audio": audio]
        }
    }
}

extension JSONView {
    /// A count of tokens: neither negative nor beyond what any call can take; some servers write whole numbers with a fraction.
    fileprivate var tokenCount: Int? {
        let count = int ?? double.flatMap { Int(exactly: $0.rounded(.towardZero)) }
        guard let count, 0...mostTokens ~= count else { return nil }
        return count
    }
}

/// More tokens than this are a fault of the server's. Sums over all calls of a request, and of a process, stay far from overflowing.
private let mostTokens = 1_000_000_000_000
