import Synchronization

/// Numbers requests from 0, for status scripts; loops may share one.
public final class MockCounter: Sendable {
    private let count = Atomic<Int>(0)

    /// Begins at 0.
    public init() {}

    /// The number of the next request.
    public func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).oldValue }
}
