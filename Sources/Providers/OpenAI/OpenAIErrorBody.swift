import JSON

/// What an upstream says about a failure, in any of the shapes that OpenAI and its imitators use.
struct OpenAIErrorBody {
    /// Words for people.
    var message: String?
    /// The kind, such as `invalid_request_error`.
    var type: String?
    /// The code, such as `insufficient_quota`.
    var code: String?
    /// The status inside the body, where there is one: errors in a stream have no other.
    var status: Int?
    /// OpenRouter's sign that a filter refused the prompt.
    var isFlagged = false

    /// Nothing known.
    init() {}

    /// Plain text.
    init(message: String) { self.message = message }

    /// Reads a whole body or an event's data; nil when it does not look like an error.
    ///
    /// Knows `{"error":{...}}`, `{"error":"..."}`, `{"object":"error",...}`, `{"detail":...}`, `{"message":...}`, Groq's
    /// `x_groq.error`, and a list of one of these.
    init?(_ view: JSONView) {
        if view.kind == .array {
            guard let first = view[0] else { return nil }
            self.init(first)
            return
        }
        if let error = view["error"] ?? view["x_groq"]?["error"], !error.isNull {
            self.init(details: error)
            return
        }
        if view["object"]?.equals("error") ?? false {
            self.init(details: view)
            return
        }
        guard view["choices"] == nil, view["detail"] != nil || view["message"] != nil else { return nil }
        self.init(details: view)
    }

    /// Reads the object, or text, that describes the failure.
    init(details view: JSONView) {
        if let text = view.string {
            message = text
            return
        }
        guard view.kind == .object else { return }
        message = OpenAIErrorBody.words(view["message"]) ?? OpenAIErrorBody.words(view["detail"])
        type = view["type"]?.string
        if let code = view["code"] {
            status = code.int ?? code.string.flatMap { Int($0) }
            if status == nil { self.code = code.string }
        }
        if let status = view["status"]?.int ?? view["status_code"]?.int { self.status = status }
        if let inner = view["innererror"]?["code"]?.string, code == nil { code = inner }
        if let metadata = view["metadata"] {
            isFlagged = metadata["flagged_input"] != nil
            if let raw = metadata["raw"]?.string { message = (message.map { $0 + ": " } ?? "") + raw }
        }
    }

    /// A message that is text, or the lists of problems that FastAPI's servers send.
    private static func words(_ view: JSONView?) -> String? {
        guard let view else { return nil }
        switch view.kind {
        case .string: return view.string
        case .object: return words(view["detail"] ?? view["msg"] ?? view["message"])
        case .array:
            let problems = view.elements.compactMap { problem -> String? in
                guard let words = words(problem) else { return nil }
                guard let place = problem["loc"] else { return words }
                let path = place.elements.compactMap { $0.string ?? $0.int.map { String($0) } }
                return path.joined(separator: ".") + ": " + words
            }
            return problems.isEmpty ? nil : problems.joined(separator: "; ")
        default: return nil
        }
    }
}
