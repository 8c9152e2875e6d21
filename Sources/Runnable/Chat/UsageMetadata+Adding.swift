extension UsageMetadata {
    /// Adds field by field, details included. Sums beyond the range of `Int` stop at its end.
    public mutating func add(_ next: UsageMetadata) {
        inputTokens = inputTokens.addingClamped(next.inputTokens)
        outputTokens = outputTokens.addingClamped(next.outputTokens)
        totalTokens = totalTokens.addingClamped(next.totalTokens)
        inputTokenDetails = Self.sum(inputTokenDetails, next.inputTokenDetails)
        outputTokenDetails = Self.sum(outputTokenDetails, next.outputTokenDetails)
    }

    private static func sum(_ left: [String: Int]?, _ right: [String: Int]?) -> [String: Int]? {
        guard let left, let right else { return left ?? right }
        return left.merging(right) { $0.addingClamped($1) }
    }
}

extension Int {
    /// The sum; where that is beyond the range of `Int`, the end of the range.
    package func addingClamped(_ other: Int) -> Int {
        let (sum, isOverflow) = addingReportingOverflow(other)
        return isOverflow ? (self > 0 ? .max : .min) : sum
    }
}
