/// How many tokens an answer took.
public struct UsageMetadata: Sendable, Hashable {
    /// Tokens of the prompt.
    public var inputTokens: Int
    /// Tokens of the answer.
    public var outputTokens: Int
    /// The sum, as the upstream counts it.
    public var totalTokens: Int
    /// Parts of the input, such as `cache_read`; nil when unknown.
    public var inputTokenDetails: [String: Int]?
    /// Parts of the output, such as `reasoning`; nil when unknown.
    public var outputTokenDetails: [String: Int]?

    /// Counts of tokens.
    /// - Parameter totalTokens: default is the sum of input and output.
    public init(
        inputTokens: Int,
        outputTokens: Int,
        totalTokens: Int? = nil,
        inputTokenDetails: [String: Int]? = nil,
        outputTokenDetails: [String: Int]? = nil
    ) {
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.totalTokens = totalTokens ?? inputTokens &+ outputTokens
        self.inputTokenDetails = inputTokenDetails
        self.outputTokenDetails = outputTokenDetails
    }
}
