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
        if number < 0 { append(UInt8(ascii: "-")) }
        if magnitude < 1000 { return append(small: UInt32(truncatingIfNeeded: magnitude)) }
        var digits = 4
        var bound: UInt64 = 10_000
        while digits < 20, magnitude >= bound {
            digits += 1
            bound &*= 10
        }
        let place = extend(by: digits)
        var index = digits
        while index > 0 {
            index &-= 1
            place[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: magnitude % 10)
            magnitude /= 10
        }
    }

    /// Appends one to three digits.
    @inline(__always)
    private mutating func append(small number: UInt32) {
        let digits = number < 10 ? 1 : number < 100 ? 2 : 3
        let place = extend(by: digits)
        let (tens, ones) = (number / 10, number % 10)
        place[digits &- 1] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: ones)
        if digits > 1 { place[digits &- 2] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: tens % 10) }
        if digits > 2 { place[0] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: tens / 10) }
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
}
