import Glibc
import Synchronization

/// How many calls run, now and at most, and the most memory meanwhile.
final class InFlight: Sendable {
    private struct State {
        var inside = 0
        var peak = 0
        var entered = 0
        var peakMemory = 0
    }

    private let state = Mutex(State())

    /// The most calls at once.
    var peak: Int { state.withLock { $0.peak } }
    /// The most resident memory, in bytes, looked at every hundredth call.
    var peakMemory: Int { state.withLock { $0.peakMemory } }

    func enter() {
        state.withLock { state in
            state.inside += 1
            state.entered += 1
            state.peak = max(state.peak, state.inside)
            if state.entered.isMultiple(of: 100) { state.peakMemory = max(state.peakMemory, ResidentMemory.now) }
        }
    }

    func leave() { state.withLock { $0.inside -= 1 } }
}

/// The memory of this process.
enum ResidentMemory {
    /// What is resident now, in bytes: the second number of `/proc/self/statm`, in pages. 0 where there is no such file.
    static var now: Int {
        guard let file = fopen("/proc/self/statm", "re") else { return 0 }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 128)
        guard fgets(&text, 128, file) != nil else { return 0 }
        let line = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let pages = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
