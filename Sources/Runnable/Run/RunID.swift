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
        String(unsafeUninitializedCapacity: RunID.length) { buffer in
            guard let start = buffer.baseAddress else { return 0 }
            write(to: UnsafeMutableRawPointer(start))
            return RunID.length
        }
    }

    /// Appends the 36 characters of `description`.
    public func append(to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(byteCount: RunID.length, alignment: 8) { buffer in
            guard let start = buffer.baseAddress else { return }
            write(to: start)
            bytes.append(contentsOf: buffer)
        }
    }

    /// Characters of `description`.
    package static let length = 36

    /// Writes the 36 characters of `description`, in a few words: every request and every log line has some of these.
    package func write(to place: UnsafeMutableRawPointer) {
        let hyphen = UInt8(ascii: "-")
        let words = (
            RunID.digits(high >> 32), RunID.digits(high & 0xFFFF_FFFF),
            RunID.digits(low >> 32), RunID.digits(low & 0xFFFF_FFFF)
        )
        place.storeBytes(of: words.0, as: UInt64.self)
        place.storeBytes(of: hyphen, toByteOffset: 8, as: UInt8.self)
        place.storeBytes(of: UInt32(truncatingIfNeeded: words.1), toByteOffset: 9, as: UInt32.self)
        place.storeBytes(of: hyphen, toByteOffset: 13, as: UInt8.self)
        place.storeBytes(of: UInt32(truncatingIfNeeded: words.1 >> 32), toByteOffset: 14, as: UInt32.self)
        place.storeBytes(of: hyphen, toByteOffset: 18, as: UInt8.self)
        place.storeBytes(of: UInt32(truncatingIfNeeded: words.2), toByteOffset: 19, as: UInt32.self)
        place.storeBytes(of: hyphen, toByteOffset: 23, as: UInt8.self)
        place.storeBytes(of: UInt32(truncatingIfNeeded: words.2 >> 32), toByteOffset: 24, as: UInt32.self)
        place.storeBytes(of: words.3, toByteOffset: 28, as: UInt64.self)
    }

    /// Eight lower-case hexadecimal digits as they lie in memory: each nibble is spread to a byte of its own.
    private static func digits(_ number: UInt64) -> UInt64 {
        var spread = (number << 16 | number) & 0x0000_FFFF_0000_FFFF
        spread = (spread << 8 | spread) & 0x00FF_00FF_00FF_00FF
        spread = (spread << 4 | spread) & 0x0F0F_0F0F_0F0F_0F0F
        let isLetter = ((spread &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        let letters = isLetter &* UInt64(UInt8(ascii: "a") - 10 - UInt8(ascii: "0"))
        let text = spread &+ 0x3030_3030_3030_3030 &+ letters
        return UInt64(littleEndian: text.byteSwapped)
    }
}

extension RunID: Comparable {
    /// By bytes, which for time-ordered ids is by time.
    public static func < (left: RunID, right: RunID) -> Bool { (left.high, left.low) < (right.high, right.low) }
}
