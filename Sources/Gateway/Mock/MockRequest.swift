import HTTP
import JSON
import Providers

/// What a mock needs to know of a chat completion request.
final class MockRequest {
    /// The model's name as a JSON string.
    let model: [UInt8]
    let isStreamed: Bool
    let includesUsage: Bool
    let promptTokens: Int
    let tokens: MockTokens
    /// The server's script with what the request changes.
    let script: MockScript

    /// A request that gets a 400.
    struct Invalid: Error {
        let message: String
    }

    /// Reads a request.
    ///
    /// - Throws: ``Invalid``, also for a script that makes no sense.
    static func read(
        _ request: ServerRequest,
        defaults: MockScript,
        reader: JSONReader
    ) throws(Invalid) -> MockRequest {
        do {
            return try reader.read(request.body) { (view) throws(Invalid) in
                try MockRequest(view, fields: request.head.fields, defaults: defaults)
            }
        } catch let error as Invalid {
            throw error
        } catch {
            throw Invalid(message: "the body is not JSON: \(error)")
        }
    }

    private init(_ view: JSONView, fields: HTTPFields, defaults: MockScript) throws(Invalid) {
        guard let messages = view["messages"], messages.kind == .array else {
            throw Invalid(message: "messages: expected an array")
        }
        var script = defaults
        let overrides = view["mock"]
        let fieldOverrides = fields["x-mock"]
        if overrides != nil || fieldOverrides != nil {
            do throws(MockScriptError) {
                if let overrides { try script.apply(overrides) }
                if let fieldOverrides { try script.apply(fieldOverrides) }
                try script.check()
            } catch {
                throw Invalid(message: error.description)
            }
        }
        self.script = script
        var model: [UInt8] = []
        if let name = view["model"], name.kind == .string {
            model.appendJSONString(of: name)
        } else {
            model.appendRaw("\"mock\"")
        }
        self.model = model
        isStreamed = view["stream"]?.bool ?? false
        includesUsage = view["stream_options"]?["include_usage"]?.bool ?? false
        promptTokens = MockRequest.countWords(messages)
        let limit = (view["max_completion_tokens"] ?? view["max_tokens"])?.int.map { max(0, $0) }
        tokens =
            switch (script.tool, script.reply) {
            case (let tool?, _): tool.tokens
            case (nil, .words): MockTokens(words: script.tokens, limit: limit)
            case (nil, .text(let text)): MockTokens(text: text, limit: limit)
            case (nil, .echo): MockTokens(text: MockRequest.lastWords(messages), limit: limit)
            }
    }

    /// Whether the plain way of answering will not do.
    var hasFaults: Bool {
        script.hasWireFault || script.stall != nil || script.errorAfter != nil || !script.statuses.isEmpty
    }

    /// `stop`, unless the script or the tokens say otherwise; empty for none.
    var finish: String { script.finish ?? (script.tool != nil ? "tool_calls" : tokens.isCut ? "length" : "stop") }

    // MARK: The prompt

    private static func countWords(_ messages: JSONView) -> Int {
        var count = 0
        messages.forEachElement { message in
            forEachText(of: message) { count += MockTokens.countWords($0) }
        }
        return count
    }

    private static func lastWords(_ messages: JSONView) -> String {
        var last: JSONView?
        var lastOfUser: JSONView?
        messages.forEachElement { message in
            last = message
            if message["role"]?.equals("user") == true { lastOfUser = message }
        }
        var text: [UInt8] = []
        if let message = lastOfUser ?? last { forEachText(of: message) { text.append(contentsOf: $0) } }
        return String(decoding: text, as: UTF8.self)
    }

    /// Lends the text of a message: its content, or the text parts of it.
    private static func forEachText(of message: JSONView, _ body: (UnsafeRawBufferPointer) -> Void) {
        guard let content = message["content"] else { return }
        lend(content, body)
        content.forEachElement { part in
            if let text = part["text"] { lend(text, body) }
        }
    }

    private static func lend(_ string: JSONView, _ body: (UnsafeRawBufferPointer) -> Void) {
        if let bytes = string.stringBytes { return body(bytes) }
        var decoded: [UInt8] = []
        if string.appendString(to: &decoded) { decoded.withUnsafeBytes { body($0) } }
    }
}

extension MockScript {
    /// Sets every member of a JSON object: strings, numbers and Booleans, as the text of a script has them.
    fileprivate mutating func apply(_ object: JSONView) throws(MockScriptError) {
        guard object.kind == .object else { throw MockScriptError(key: "mock", reason: "expected an object") }
        var members = object.members
        while let (name, value) = members.next() {
            let key = name.string ?? ""
            switch value.kind {
            case .string: try set(key, value.string ?? "")
            case .number, .bool: try set(key, String(decoding: value.raw, as: UTF8.self))
            case .null: continue
            case .array, .object:
                throw MockScriptError(key: key, reason: "expected a string, a number, true or false")
            }
        }
    }
}
