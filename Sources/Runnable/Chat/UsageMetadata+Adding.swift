extension UsageMetadata {
    /// Adds field by field, details included. Sums beyond the range of `Int` stop at its end.
    public mutating func add(_ next: UsageMetadata) {
        inputTokens = Self.sum(inputTokens, next.inputTokens)
        outputTokens = Self.sum(outputTokens, next.outputTokens)
        totalTokens = Self.sum(totalTokens, next.totalTokens)
        inputTokenDetails = Self.sum(inputTokenDetails, next.inputTokenDetails)
        outputTokenDetails = Self.sum(outputTokenDetails, next.outputTokenDetails)
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, isOverflow) = left.addingReportingOverflow(right)
        return isOverflow ? (left > 0 ? .max : .min) : sum
    }

    private static func sum(_ left: [String: Int]?, _ right: [String: Int]?) -> [String: Int]? {
        guard let left, let right else { return left ?? right }
        return left.merging(right, uniquingKeysWith: sum)
    }
}
