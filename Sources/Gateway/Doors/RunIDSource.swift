import Glibc
import Runnable

/// Random run ids for one loop, with one system call for 256 of them.
final class RunIDSource {
    private static let batch = 256
    private var words: [UInt64] = []

    /// A fresh version 4 id.
    func next() -> RunID {
        if words.isEmpty { refill() }
        let high = words.removeLast()
        let low = words.removeLast()
        // RFC 9562: four bits of version, two of variant.
        return RunID(high: high & ~0xF000 | 0x4000, low: low & ~(0b11 << 62) | (0b10 << 62))
    }

    private func refill() {
        words = [UInt64](unsafeUninitializedCapacity: RunIDSource.batch * 2) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            arc4random_buf(base, buffer.count * MemoryLayout<UInt64>.size)
            count = buffer.count
        }
    }
}
