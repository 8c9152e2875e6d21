public final class WorkerPool: Sendable {
    public static let shared = WorkerPool()
    public func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T { try work() }
}
