import Glibc

/// Byte classes and comparisons of RFC 9110 section 5.6, written so that the common case touches eight bytes at a time.
enum Bytes {
    static let tab: UInt8 = 0x09
    static let lf: UInt8 = 0x0A
    static let cr: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let comma: UInt8 = 0x2C
    static let colon: UInt8 = 0x3A

    /// One entry per byte value: the lower-case form of a token byte (RFC 9110 5.6.2), a space for any other byte.
    ///
    /// A literal, because its address is a constant: no lazy initialisation and no bounds check per lookup.
    private static let tokens: StaticString = """
                                        \
         ! #$%&'  *+ -. 0123456789      \
         abcdefghijklmnopqrstuvwxyz   ^_\
        `abcdefghijklmnopqrstuvwxyz | ~ \
                                        \
                                        \
                                        \
                                        \

        """

    /// Start of the 256-entry token table.
    @inline(__always)
    static var tokenTable: UnsafePointer<UInt8> { tokens.utf8Start }

    static func isToken(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let table = tokenTable
        for byte in bytes where table[Int(byte)] == space { return false }
        return !bytes.isEmpty
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    @inline(__always)
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    /// Whether every byte may stand in a field value: HTAB, SP, VCHAR and obs-text (RFC 9110 5.5).
    static func isFieldContent(_ start: UnsafeRawPointer, _ count: Int) -> Bool {
        let high: UInt64 = 0x8080_8080_8080_8080
        let ones: UInt64 = 0x0101_0101_0101_0101
        var offset = 0
        while offset &+ 8 <= count {
            let word = start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let delete = word ^ (ones &* 0x7F)
            let suspect = ((word &- ones &* 0x20) & ~word) | ((delete &- ones) & ~delete)
            // A tab trips the word test too, so a hit is looked at byte by byte.
            if suspect & high != 0, !isFieldContentSlowly(start + offset, 8) { return false }
            offset &+= 8
        }
        return isFieldContentSlowly(start + offset, count &- offset)
    }

    private static func isFieldContentSlowly(_ start: UnsafeRawPointer, _ count: Int) -> Bool {
        for offset in 0..<count {
            let byte = start.load(fromByteOffset: offset, as: UInt8.self)
            if (byte < 0x20 && byte != tab) || byte == 0x7F { return false }
        }
        return true
    }

    /// Compares bytes as they are; an empty literal equals nothing.
    @inline(__always)
    static func equal(_ bytes: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
        guard bytes.count == literal.utf8CodeUnitCount, let start = bytes.baseAddress else { return false }
        return memcmp(start, literal.utf8Start, bytes.count) == 0
    }

    /// Compares ASCII text without regard to case; `lowercase` must already be in lower case.
    @inline(__always)
    static func equal(_ start: UnsafeRawPointer, _ count: Int, lowercase: StaticString) -> Bool {
        guard count == lowercase.utf8CodeUnitCount else { return false }
        let other = lowercase.utf8Start
        for offset in 0..<count {
            let byte = start.load(fromByteOffset: offset, as: UInt8.self)
            guard lowered(byte) == other[offset] else { return false }
        }
        return true
    }

    /// Compares ASCII text without regard to case.
    static func equalIgnoringCase(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        for offset in 0..<left.count where lowered(left[offset]) != lowered(right[offset]) { return false }
        return true
    }

    @inline(__always)
    static func lowered(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// Without leading and trailing optional white space (SP and HTAB).
    static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var start = 0
        var end = bytes.count
        while start < end, bytes[start] == space || bytes[start] == tab { start += 1 }
        while end > start, bytes[end - 1] == space || bytes[end - 1] == tab { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    /// Calls `body` with each element of a comma-separated list, trimmed, empty elements included.
    static func forEachElement<E: Error>(
        of list: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        var start = 0
        while true {
            let end = list[start...].firstIndex(of: comma) ?? list.count
            try body(trimmed(UnsafeRawBufferPointer(rebasing: list[start..<end])))
            guard end < list.count else { return }
            start = end + 1
        }
    }
}

extension Bytes {
    /// Writes 16 lower-case hexadecimal digits.
    static func writeHexadecimal(_ bits: UInt64, to place: UnsafeMutableRawPointer) {
        place.storeBytes(of: hexadecimal(bits >> 32), as: UInt64.self)
        place.storeBytes(of: hexadecimal(bits & 0xFFFF_FFFF), toByteOffset: 8, as: UInt64.self)
    }

    /// Eight digits as they lie in memory: each nibble is spread to a byte of its own.
    private static func hexadecimal(_ number: UInt64) -> UInt64 {
        var spread = (number << 16 | number) & 0x0000_FFFF_0000_FFFF
        spread = (spread << 8 | spread) & 0x00FF_00FF_00FF_00FF
        spread = (spread << 4 | spread) & 0x0F0F_0F0F_0F0F_0F0F
        let isLetter = ((spread &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        let text = spread &+ 0x3030_3030_3030_3030 &+ isLetter &* UInt64(UInt8(ascii: "a") - 10 - UInt8(ascii: "0"))
        return UInt64(littleEndian: text.byteSwapped)
    }
}

extension UnsafeRawBufferPointer {
    /// Removes and returns the first `count` bytes; the two views share the caller's memory.
    @inline(__always)
    mutating func takeFirst(_ count: Int) -> UnsafeRawBufferPointer {
        let taken = UnsafeRawBufferPointer(rebasing: self[..<count])
        self = UnsafeRawBufferPointer(rebasing: self[count...])
        return taken
    }

    /// Offset of the first `byte` at or after `start`.
    @inline(__always)
    func offset(of byte: UInt8, from start: Int) -> Int? {
        guard let baseAddress, start < count else { return nil }
        guard let found = memchr(baseAddress + start, Int32(byte), count - start) else { return nil }
        return UnsafeRawPointer(found) - baseAddress
    }
}

extension StaticString {
    /// The literal's bytes; they live as long as the program.
    @inline(__always)
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount) }
}

extension [UInt8] {
    /// Makes sure that `count` bytes behind the last one belong to the buffer too: vector parsers look beyond the end.
    mutating func reserveSpare(_ spare: Int) {
        if capacity - count < spare { reserveCapacity(count + spare) }
    }

    /// `withUnsafeBytes` with typed errors.
    @inline(__always)
    func lend<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withUnsafeBufferPointer { (bytes) throws(E) in try body(UnsafeRawBufferPointer(bytes)) }
    }

    @inline(__always)
    mutating func append(literal: StaticString) { append(contentsOf: literal.bytes) }

    /// Appends a number's decimal digits without making a String.
    mutating func append(decimal number: Int) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        Swift.withUnsafeMutableBytes(of: &digits) { buffer in
            var rest = number.magnitude
            var start = buffer.count
            repeat {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start -= 1
                buffer[start] = UInt8(0x30 + digit)
                rest = quotient
            } while rest != 0
            if number < 0 {
                start -= 1
                buffer[start] = 0x2D
            }
            append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[start...]))
        }
    }
}
