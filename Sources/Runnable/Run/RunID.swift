import Glibc

/// The identity of one run: a UUID (RFC 9562).
public struct RunID: Sendable, Hashable {
    /// The first eight bytes, big-endian.
    public let high: UInt64
    /// The last eight bytes, big-endian.
    public let low: UInt64

    /// A UUID from its two halves, taken as they are.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A random UUID (version 4), from the kernel's generator.
    public static func random() -> RunID {
        let bits = randomBits()
        return RunID(high: bits.0 & ~0xF000 | 0x4000, low: variant(bits.1))
    }

    /// A UUID that sorts by its time of creation (version 7): 48 bits of milliseconds, 12 bits of the rest of the
    /// millisecond (about 0.24 µs each) and 62 random bits.
    public static func timeOrdered() -> RunID {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let milliseconds = UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
        let fraction = (UInt64(time.tv_nsec) % 1_000_000) << 12 / 1_000_000
        return RunID(high: milliseconds << 16 | 0x7000 | fraction, low: variant(randomBits().1))
    }

    private static func variant(_ bits: UInt64) -> UInt64 { bits & ~(3 << 62) | 2 << 62 }

    private static func randomBits() -> (UInt64, UInt64) {
        var bits: (UInt64, UInt64) = (0, 0)
        let size = MemoryLayout.size(ofValue: bits)
        // Up to 256 bytes are always given whole; only a kernel without the call could fail.
        if getentropy(&bits, size) != 0 {
            bits = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))
        }
        return bits
    }
}

extension RunID: LosslessStringConvertible {
    /// Reads 32 hexadecimal digits of either case, with hyphens after 8, 12, 16 and 20 of them or none at all.
    /// Nil for anything else.
    public init?(_ text: String) {
        let bytes = text.utf8
        guard bytes.count == 36 || bytes.count == 32 else { return nil }
        let isHyphenated = bytes.count == 36
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (place, byte) in bytes.enumerated() {
            if isHyphenated, place == 8 || place == 13 || place == 18 || place == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Self.digit(byte) else { return nil }
            if digits < 16 { halves.0 = halves.0 << 4 | digit } else { halves.1 = halves.1 << 4 | digit }
            digits += 1
        }
        self.init(high: halves.0, low: halves.1)
    }

    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    /// 36 characters, lower case, with hyphens.
    public var description: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            write(to: buffer)
            return 36
        }
    }

    /// Appends the 36 characters of `description`.
    public func append(to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { buffer in
            write(to: buffer)
            bytes.append(contentsOf: buffer)
        }
    }

    private func write(to buffer: UnsafeMutableBufferPointer<UInt8>) {
        RunID.write(high >> 32, digits: 8, to: buffer, at: 0)
        RunID.write(high >> 16, digits: 4, to: buffer, at: 9)
        RunID.write(high, digits: 4, to: buffer, at: 14)
        RunID.write(low >> 48, digits: 4, to: buffer, at: 19)
        RunID.write(low, digits: 12, to: buffer, at: 24)
        for place in stride(from: 8, through: 23, by: 5) { buffer[place] = UInt8(ascii: "-") }
    }

    /// Writes the lowest `digits` hexadecimal digits of `value`.
    private static func write(
        _ value: UInt64,
        digits: Int,
        to buffer: UnsafeMutableBufferPointer<UInt8>,
        at start: Int
    ) {
        var rest = value
        var place = start + digits
        while place > start {
            place -= 1
            let nibble = UInt8(truncatingIfNeeded: rest & 15)
            buffer[place] = nibble &+ (nibble < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
            rest >>= 4
        }
    }
}

extension RunID: Comparable {
    /// By bytes, which for time-ordered ids is by time.
    public static func < (left: RunID, right: RunID) -> Bool { (left.high, left.low) < (right.high, right.low) }
}
