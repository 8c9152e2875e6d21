import Testing

@testable import Gateway

@Suite struct HistogramTests {
    @Test func `a value goes into the first bucket whose bound is not below it`() {
        let bounds = BucketBounds([0.01, 0.02, 1], scale: 1_000_000_000)
        let expected = [
            (-5, 0), (0, 0), (10_000_000, 0), (10_000_001, 1), (20_000_000, 1), (999_999_999, 2), (1_000_000_000, 2),
            (1_000_000_001, 3), (Int.max, 3),
        ]
        for (value, bucket) in expected { #expect(bounds.bucket(of: value) == bucket, "\(value)") }
        #expect(bounds.texts == ["0.01", "0.02", "1.0"])
    }

    @Test(arguments: [BucketBounds.duration, .firstToken, .perToken, .tokens, .waits])
    func `bounds ascend, and are exact`(bounds: BucketBounds) {
        #expect(zip(bounds.limits, bounds.limits.dropFirst()).allSatisfy { $0 < $1 })
        for (limit, text) in zip(bounds.limits, bounds.texts) {
            #expect(Double(limit) / Double(bounds.scale) == Double(text))
        }
    }

    @Test func `two add up`() {
        let bounds = BucketBounds([1, 2])
        var left: Histogram?
        left.observe(1, bounds)
        left.observe(5, bounds)
        var right: Histogram?
        right.observe(2, bounds)
        left.add(right)
        left.add(nil)
        #expect(left?.counts == [1, 1, 1])
        #expect(left?.sum == 8)
        #expect(left?.count == 3)
        var none: Histogram?
        none.add(left)
        #expect(none == left)
    }
}
