import Glibc
import Synchronization

/// A counter for several threads.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    @discardableResult
    func increment() -> Int { count.add(1, ordering: .sequentiallyConsistent).newValue }
}

/// What was waited for did not happen.
struct NotYet: Error, CustomStringConvertible {
    let description: String
}

/// Long enough for a loaded machine; only a failing test waits that long.
let patience = Duration.seconds(25)

/// A moment after which waiting is over.
struct Deadline {
    private let end = ContinuousClock.now + patience
    var hasPassed: Bool { ContinuousClock.now >= end }
    /// Milliseconds until then, for poll(2).
    var milliseconds: Int32 {
        let left = end - .now
        return left <= .zero
            ? 0
            : Int32(clamping: left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1)
    }
}

/// Looks again and again until there is something to see.
///
/// - Throws: ``NotYet`` after ``patience``, saying what was waited for.
func eventually<T>(_ what: @autoclosure () -> String, _ look: () throws -> T?) throws -> T {
    let deadline = Deadline()
    while true {
        if let seen = try look() { return seen }
        if deadline.hasPassed { throw NotYet(description: what()) }
        usleep(2000)
    }
}

/// Looks again and again until `condition` holds.
func eventually(_ what: @autoclosure () -> String, that condition: () throws -> Bool) throws {
    _ = try eventually(what()) { try condition() ? true : nil } as Bool
}

/// Lets time pass on purpose, in a part that is meant to be slow; never to wait for something.
func pause(milliseconds: Int) { usleep(UInt32(milliseconds) * 1000) }
