import Glibc

/// A system call or library call of the event layer that failed.
public struct LoopError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was being done, in words an operator can search for: `listen on 127.0.0.1:8080`.
    public let operation: String
    /// The `errno` of the failed call; 0 where the library gave none (out of memory).
    public let number: Int32

    /// Makes an error for `operation`; `number` defaults to the calling thread's `errno`.
    public init(_ operation: String, number: Int32? = nil) {
        self.operation = operation
        self.number = number ?? errno
    }

    /// The operation and why it failed.
    public var description: String {
        number == 0 ? "\(operation): failed" : "\(operation): \(LoopError.text(of: number))"
    }

    /// The system's words for an `errno` value.
    public static func text(of number: Int32) -> String {
        guard let words = strerror(number) else { return "error \(number)" }
        return String(cString: words)
    }
}
