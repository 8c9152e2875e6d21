import Runnable

/// What an ``OpenAIModel`` sends and how long it waits.
public struct OpenAIModelOptions: Sendable {
    /// One field of every request.
    public struct Parameter: Sendable {
        /// The member's name.
        public let name: String
        /// Its value as valid compact JSON, sent as it is.
        public let json: String

        /// A field; trusts `json` to be valid.
        public init(name: String, json: String) {
            self.name = name
            self.json = json
        }
    }

    /// The model's name upstream.
    public var model: String
    /// The backend's name, for records of calls. Default none.
    public var backend = ""
    /// What ``CallTarget/number`` is. Default none.
    public var number: Int?
    /// Fields added to every request, in this order. `model`, `messages` and `stream` are the dialect's own and left out;
    /// `stream_options` goes into streams only.
    public var parameters: [Parameter] = []
    /// Whether streams ask for usage with `stream_options`. Default true; false for servers that refuse the field (Mistral).
    public var includesUsage = true
    /// Limits in time.
    public var timeouts = UpstreamTimeouts()
    /// Bytes of a response that is not streamed; more fail the call. Default 32 MiB.
    public var maximumResponse = 32 << 20
    /// Bytes of one event of a stream; more fail the call. Default 4 MiB.
    public var maximumEvent = 4 << 20
    /// Keys and secret header values: taken out of whatever the upstream says.
    public var secrets: [String] = []

    /// The defaults.
    public init(model: String) {
        self.model = model
    }
}

extension OpenAIModelOptions {
    /// The options with other fields in the request.
    func overridden(by arguments: Value.Object) -> OpenAIModelOptions {
        var copy = self
        copy.parameters.removeAll { arguments[$0.name] != nil }
        copy.parameters += arguments.map { Parameter(name: $0.key, json: $0.value.jsonText) }
        return copy
    }
}
