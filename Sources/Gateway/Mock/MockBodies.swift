import JSON
import Providers

/// Writes the bodies of one answer in OpenAI's shape. What all chunks of a stream begin with is made once.
struct MockBodies {
    /// When every answer was made, in seconds since 1970: the same request gets the same bytes.
    private static let created = 1_735_689_600

    private let request: MockRequest
    /// `data: {"id":…,"choices":[{"index":0,"delta":{`
    private let chunkStart: [UInt8]
    private let hasNullUsage: Bool

    init(_ request: MockRequest) {
        self.request = request
        hasNullUsage = request.includesUsage && request.script.usage != .none
        var start: [UInt8] = []
        if request.isStreamed { start.appendRaw("data: ") }
        start.appendRaw("{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion")
        start.appendRaw(request.isStreamed ? ".chunk\",\"created\":" : "\",\"created\":")
        start.appendJSON(MockBodies.created)
        start.appendRaw(",\"model\":")
        start.append(contentsOf: request.model)
        start.appendRaw(",\"system_fingerprint\":\"fp_mock\",\"choices\":[")
        chunkStart = start
    }

    // MARK: Streams

    /// The first chunk: the role, and of a tool call all but its arguments.
    func appendRole(to output: inout [UInt8]) {
        appendDeltaStart(to: &output)
        if let tool = request.script.tool {
            output.appendRaw("\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"")
            output.append(contentsOf: MockScript.Tool.callID.utf8)
            output.appendRaw("\",\"type\":\"function\",\"function\":{\"name\":")
            output.appendJSON(tool.name)
            output.appendRaw(",\"arguments\":\"\"}}]")
        } else {
            output.appendRaw("\"role\":\"assistant\",\"content\":\"\"")
        }
        appendDeltaEnd(to: &output)
    }

    func appendToken(_ index: Int, to output: inout [UInt8]) {
        appendDeltaStart(to: &output)
        if request.script.tool == nil {
            output.appendRaw("\"content\":")
            request.tokens.appendQuoted(index, to: &output)
        } else {
            output.appendRaw("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":")
            request.tokens.appendQuoted(index, to: &output)
            output.appendRaw("}}]")
        }
        appendDeltaEnd(to: &output)
    }

    /// What follows the last token, in order.
    enum Ending: CaseIterable {
        case finish, usage, done
    }

    /// Appends one part of the ending; nothing when the script leaves it out.
    func append(_ ending: Ending, to output: inout [UInt8]) {
        let script = request.script
        switch ending {
        case .finish:
            let finish = request.finish
            guard !finish.isEmpty else { return }
            output.append(contentsOf: chunkStart)
            output.appendRaw("{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":")
            output.appendJSON(finish)
            output.appendRaw("}]")
            if script.usage == .finish { appendUsage(to: &output) } else { appendNullUsage(to: &output) }
            output.appendRaw("}\n\n")
        case .usage:
            guard script.usage == .chunk || (script.usage == .auto && request.includesUsage) else { return }
            output.append(contentsOf: chunkStart)
            output.append(UInt8(ascii: "]"))
            appendUsage(to: &output)
            output.appendRaw("}\n\n")
        case .done:
            if script.sendsDone { output.appendRaw("data: [DONE]\n\n") }
        }
    }

    static func appendErrorEvent(to output: inout [UInt8]) {
        output.appendRaw("data: ")
        appendError("The mock was told to fail here.", type: "server_error", code: "mock_error", to: &output)
        output.appendRaw("\n\n")
    }

    private func appendDeltaStart(to output: inout [UInt8]) {
        output.append(contentsOf: chunkStart)
        output.appendRaw("{\"index\":0,\"delta\":{")
    }

    private func appendDeltaEnd(to output: inout [UInt8]) {
        output.appendRaw("},\"logprobs\":null,\"finish_reason\":null}]")
        appendNullUsage(to: &output)
        output.appendRaw("}\n\n")
    }

    private func appendNullUsage(to output: inout [UInt8]) {
        if hasNullUsage { output.appendRaw(",\"usage\":null") }
    }

    // MARK: Whole answers

    func appendWhole(to output: inout [UInt8]) {
        output.append(contentsOf: chunkStart)
        output.appendRaw("{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":")
        if let tool = request.script.tool {
            output.appendRaw("null,\"refusal\":null,\"tool_calls\":[{\"id\":\"")
            output.append(contentsOf: MockScript.Tool.callID.utf8)
            output.appendRaw("\",\"type\":\"function\",\"function\":{\"name\":")
            output.appendJSON(tool.name)
            output.appendRaw(",\"arguments\":")
            output.appendJSON(tool.arguments)
            output.appendRaw("}}]")
        } else {
            request.tokens.appendQuoted(to: &output)
            output.appendRaw(",\"refusal\":null")
        }
        output.appendRaw("},\"logprobs\":null,\"finish_reason\":")
        let finish = request.finish
        if finish.isEmpty { output.appendRaw("null") } else { output.appendJSON(finish) }
        output.appendRaw("}]")
        if request.script.usage != .none { appendUsage(to: &output) }
        output.append(UInt8(ascii: "}"))
    }

    private func appendUsage(to output: inout [UInt8]) {
        output.appendRaw(",\"usage\":{\"prompt_tokens\":")
        output.appendJSON(request.promptTokens)
        output.appendRaw(",\"completion_tokens\":")
        output.appendJSON(request.tokens.count)
        output.appendRaw(",\"total_tokens\":")
        output.appendJSON(request.promptTokens + request.tokens.count)
        output.append(UInt8(ascii: "}"))
    }

    // MARK: Errors

    /// The body of a response with a failing status.
    static func error(status: Int, message: String) -> [UInt8] {
        let type: StaticString
        var code: StaticString?
        switch status {
        case 401: (type, code) = ("authentication_error", "invalid_api_key")
        case 429: (type, code) = ("requests", "rate_limit_exceeded")
        case 400..<500: type = "invalid_request_error"
        case 503: type = "service_unavailable_error"
        default: type = "server_error"
        }
        var body: [UInt8] = []
        appendError(message, type: type, code: code, to: &body)
        return body
    }

    private static func appendError(
        _ message: String,
        type: StaticString,
        code: StaticString?,
        to output: inout [UInt8]
    ) {
        output.appendRaw("{\"error\":{\"message\":")
        output.appendJSON(message)
        output.appendRaw(",\"type\":\"")
        output.appendRaw(type)
        output.appendRaw("\",\"param\":null,\"code\":")
        if let code {
            output.append(UInt8(ascii: "\""))
            output.appendRaw(code)
            output.append(UInt8(ascii: "\""))
        } else {
            output.appendRaw("null")
        }
        output.appendRaw("}}")
    }
}
