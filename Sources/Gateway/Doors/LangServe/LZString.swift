/// LZString's "encoded URI component" flavour, in which config hashes are written (langserve-protocol.md, 1.10).
///
/// An LZ78 code over UTF-16 code units. Each character of the text carries six bits, the first the highest; numbers are written
/// with their lowest bit first, in as many bits as the dictionary needs at that moment. Numbers 0 and 1 announce a new code
/// unit of 8 or 16 bits, 2 is the end, others name what was seen before. No state, any thread.
enum LZString {
    /// Why a text cannot be decompressed.
    enum Failure: Error, Hashable {
        /// It is not what a compressor writes: a foreign character, an unknown number, no end, or half of a surrogate pair.
        case malformed
        /// It stands for more UTF-16 code units than the limit.
        case tooLong
    }

    /// Numbers with a meaning of their own.
    private enum Mark {
        static let shortUnit = 0
        static let longUnit = 1
        static let end = 2
        /// The first number that names an entry.
        static let firstEntry = 3
    }

    // MARK: Decompression

    /// The text that `compressed` stands for.
    ///
    /// What follows the end mark is ignored, and a space counts as `+`, as in the original. Memory is bounded by `limit` and the
    /// length of `compressed`, however they relate.
    /// - Parameter limit: the longest result, in UTF-16 code units; default 65536.
    static func decompress(_ compressed: some Sequence<UInt8>, limit: Int = 65_536) throws(Failure) -> String {
        var decoder = Decoder(bits: BitReader(compressed), limit: limit)
        let units = try decoder.units()
        guard let text = String(validating: units, as: UTF16.self) else { throw .malformed }
        return text
    }

    private struct Decoder {
        var bits: BitReader
        let limit: Int
        var output: [UInt16] = []
        /// Every entry is a piece of what was written already: what follows a piece is how the dictionary grows.
        var entries: [Range<Int>] = []
        var width = Width()

        mutating func units() throws(Failure) -> [UInt16] {
            // What was written last; it and the unit behind it become an entry.
            var last: Range<Int>?
            while true {
                let number = try bits.number(width: width.bits)
                if number == Mark.end { return output }
                let start = output.count
                if number < Mark.firstEntry {
                    try append(UInt16(try bits.number(width: number == Mark.shortUnit ? 8 : 16)))
                    entries.append(start..<start + 1)
                    width.grow()
                }
                if let last { entries.append(last.lowerBound..<last.upperBound + 1) }
                if number >= Mark.firstEntry { try copy(entry: number - Mark.firstEntry) }
                last = start..<output.count
                width.grow()
            }
        }

        private mutating func append(_ unit: UInt16) throws(Failure) {
            guard output.count < limit else { throw .tooLong }
            output.append(unit)
        }

        /// The newest entry may end with the unit that is about to be written; copying in order gets that right.
        private mutating func copy(entry: Int) throws(Failure) {
            guard entry < entries.count else { throw .malformed }
            for place in entries[entry] { try append(output[place]) }
        }
    }

    // MARK: Compression

    /// `text`, compressed; at most a little longer than what JSON needs, and safe in a path.
    static func compress(_ text: String) -> String {
        var encoder = Encoder()
        for unit in text.utf16 { encoder.take(unit) }
        return encoder.end()
    }

    private struct Encoder {
        var bits = BitWriter()
        var numbers: [Key: Int] = [:]
        var next = Mark.firstEntry
        var width = Width()
        /// The entry that what was taken last amounts to, nil before the first unit.
        var current: Int?
        /// Entries of one unit that were never written.
        var unwritten: [Int: UInt16] = [:]

        /// An entry is another one (nil: none) and a unit behind it.
        struct Key: Hashable {
            var prefix: Int?
            var unit: UInt16
        }

        mutating func take(_ unit: UInt16) {
            let alone = numbers[Key(unit: unit)] ?? add(Key(unit: unit))
            guard let current else {
                current = alone
                return
            }
            let longer = Key(prefix: current, unit: unit)
            if let number = numbers[longer] {
                self.current = number
            } else {
                write(current)
                add(longer)
                self.current = alone
            }
        }

        mutating func end() -> String {
            if let current { write(current) }
            bits.append(Mark.end, width: width.bits)
            return bits.end()
        }

        @discardableResult
        private mutating func add(_ key: Key) -> Int {
            defer { next += 1 }
            numbers[key] = next
            if key.prefix == nil { unwritten[next] = key.unit }
            return next
        }

        private mutating func write(_ number: Int) {
            if let unit = unwritten.removeValue(forKey: number) {
                let isShort = unit < 256
                bits.append(isShort ? Mark.shortUnit : Mark.longUnit, width: width.bits)
                bits.append(Int(unit), width: isShort ? 8 : 16)
                width.grow()
            } else {
                bits.append(number, width: width.bits)
            }
            width.grow()
        }
    }
}

extension LZString {
    /// How many bits the next number has. Both sides count what makes it grow the same way: one for each number, and one more
    /// for each new unit.
    private struct Width {
        private(set) var bits = 2
        private var room = 2

        mutating func grow() {
            room -= 1
            if room == 0 {
                room = 1 << bits
                bits += 1
            }
        }
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-".utf8)

    private struct BitReader {
        /// The six bits of every character, nil where there are none.
        private let sixes: [UInt8?]
        private var place = 0

        init(_ text: some Sequence<UInt8>) {
            var values = [UInt8?](repeating: nil, count: 256)
            for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
            values[Int(UInt8(ascii: " "))] = values[Int(UInt8(ascii: "+"))]
            // Padding; the original gives it a 65th value, whose six low bits are clear.
            values[Int(UInt8(ascii: "$"))] = 0
            sixes = text.map { values[Int($0)] }
        }

        mutating func number(width: Int) throws(Failure) -> Int {
            var number = 0
            for bit in 0..<width {
                guard place / 6 < sixes.count, let six = sixes[place / 6] else { throw .malformed }
                number |= Int(six >> UInt8(5 - place % 6) & 1) << bit
                place += 1
            }
            return number
        }
    }

    private struct BitWriter {
        private var characters: [UInt8] = []
        private var six = 0
        private var filled = 0

        mutating func append(_ number: Int, width: Int) {
            for bit in 0..<width {
                six = six << 1 | number >> bit & 1
                filled += 1
                if filled == 6 { flush() }
            }
        }

        /// The last character holds at least one bit of padding, even where that makes one more character.
        mutating func end() -> String {
            six <<= 6 - filled
            flush()
            return String(decoding: characters, as: UTF8.self)
        }

        private mutating func flush() {
            characters.append(alphabet[six])
            six = 0
            filled = 0
        }
    }
}
