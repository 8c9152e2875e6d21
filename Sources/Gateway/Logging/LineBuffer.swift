import Glibc

/// Bytes that grow at their end, for the few lines of code through which every byte of the access log goes.
///
/// An array would check for uniqueness and go through a call at each of the hundred small steps that make a line; that is half
/// of what a line costs.
struct LineBuffer: ~Copyable {
    private var start: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// Bytes so far.
    private(set) var count = 0

    init(capacity: Int = 512) {
        self.capacity = capacity
        start = .allocate(capacity: capacity)
    }

    deinit { start.deallocate() }

    /// Lends the bytes.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    /// Forgets the bytes, and gives back memory above `kept`.
    mutating func removeAll(keeping kept: Int) {
        count = 0
        guard capacity > kept else { return }
        start.deallocate()
        start = .allocate(capacity: kept)
        capacity = kept
    }

    /// Makes room for `more` bytes and says where they go; ``count`` then includes them.
    @inline(__always)
    mutating func extend(by more: Int) -> UnsafeMutablePointer<UInt8> {
        if more > capacity - count { grow(by: more) }
        defer { count += more }
        return start + count
    }

    @inline(never)
    private mutating func grow(by more: Int) {
        capacity = max(2 * capacity, count + more)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: start, count: count)
        start.deallocate()
        start = larger
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) { extend(by: 1).pointee = byte }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        extend(by: text.utf8CodeUnitCount).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) { append(bytes.assumingMemoryBound(to: UInt8.self)) }

    mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
        guard let base = text.baseAddress else { return }
        extend(by: text.count).update(from: base, count: text.count)
    }

    /// Appends text as it is.
    mutating func append(raw text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    /// Appends a number in decimal.
    mutating func append(decimal number: Int) {
        var magnitude = UInt64(number.magnitude)
        var digits = 1
        var bound: UInt64 = 10
        while digits < 19, magnitude >= bound {
            digits += 1
            bound &*= 10
        }
        if magnitude >= 10_000_000_000_000_000_000 { digits = 20 }
        if number < 0 { append(UInt8(ascii: "-")) }
        let place = extend(by: digits)
        for index in stride(from: digits - 1, through: 0, by: -1) {
            place[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: magnitude % 10)
            magnitude /= 10
        }
    }

    /// Appends exactly `digits` decimal digits, the last ones of `number`.
    mutating func append(decimal number: Int, digits: Int) {
        var rest = number
        let place = extend(by: digits)
        for index in stride(from: digits - 1, through: 0, by: -1) {
            place[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// Appends the last `digits` hexadecimal digits of `number`.
    mutating func append(hex number: UInt64, digits: Int) {
        let place = extend(by: digits)
        for index in 0..<digits {
            let nibble = UInt8(truncatingIfNeeded: number >> UInt64((digits - 1 - index) * 4)) & 15
            place[index] = nibble &+ (nibble < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
        }
    }
    /// Appends a UUID's 36 characters.
    mutating func append(uuidHigh high: UInt64, low: UInt64) {
        let place = UnsafeMutableRawPointer(extend(by: 36))
        let words = (
            LineBuffer.hex(UInt32(high >> 32)), LineBuffer.hex(UInt32(truncatingIfNeeded: high)),
            LineBuffer.hex(UInt32(low >> 32)), LineBuffer.hex(UInt32(truncatingIfNeeded: low))
        )
        let dash = UInt8(ascii: "-")
        place.storeBytes(of: words.0.bigEndian, as: UInt64.self)
        place.storeBytes(of: dash, toByteOffset: 8, as: UInt8.self)
        place.storeBytes(of: UInt32(words.1 >> 32).bigEndian, toByteOffset: 9, as: UInt32.self)
        place.storeBytes(of: dash, toByteOffset: 13, as: UInt8.self)
        place.storeBytes(of: UInt32(truncatingIfNeeded: words.1).bigEndian, toByteOffset: 14, as: UInt32.self)
        place.storeBytes(of: dash, toByteOffset: 18, as: UInt8.self)
        place.storeBytes(of: UInt32(words.2 >> 32).bigEndian, toByteOffset: 19, as: UInt32.self)
        place.storeBytes(of: dash, toByteOffset: 23, as: UInt8.self)
        place.storeBytes(of: UInt32(truncatingIfNeeded: words.2).bigEndian, toByteOffset: 24, as: UInt32.self)
        place.storeBytes(of: words.3.bigEndian, toByteOffset: 28, as: UInt64.self)
    }

    /// Eight hexadecimal digits in one word, the first one in its highest byte: each nibble is spread to a byte of its own.
    private static func hex(_ number: UInt32) -> UInt64 {
        var spread = UInt64(number)
        spread = (spread << 16 | spread) & 0x0000_FFFF_0000_FFFF
        spread = (spread << 8 | spread) & 0x00FF_00FF_00FF_00FF
        spread = (spread << 4 | spread) & 0x0F0F_0F0F_0F0F_0F0F
        let isLetter = ((spread &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return spread &+ 0x3030_3030_3030_3030 &+ isLetter &* UInt64(UInt8(ascii: "a") - 10 - UInt8(ascii: "0"))
    }
}
