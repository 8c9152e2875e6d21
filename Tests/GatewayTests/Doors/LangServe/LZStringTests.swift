import Foundation
import Testing

@testable import Gateway

struct LZStringTests {
    /// langserve-protocol.md, 1.10.
    static let table = [
        ("{}", "N4XyA"),
        (#"{"tags":["a"]}"#, "N4IgLghg5gziBcBtEEQF0C+Q"),
        (#"{"configurable":{"temperature":0.9}}"#, "N4Igxg9gdgZglgcwK4CcCGAjANgUxALlABccBbABx3SNT3wAYA6ATgF9Wg"),
        (#"{"configurable":{"x":"é😀"}}"#, "N4Igxg9gdgZglgcwK4CcCGAjANgUxALlAA8CQBLwXg3AAPZAF9ag"),
        (
            #"{"configurable":{"resp":["FROMHASH"]}}"#,
            "N4Igxg9gdgZglgcwK4CcCGAjANgUxALlBRwGcAHAgbRADEAlAeQFkAJAQQGUWQBdAXz5A"
        ),
        ("[1]", "NoRgukA"),
        ("", "Q"),
    ]

    @Test("LS-75 every config hash of the table is read, and written the same", arguments: table)
    func vectors(text: String, hash: String) throws {
        #expect(try LZString.decompress(hash.utf8) == text)
        #expect(LZString.compress(text) == hash)
    }

    @Test("LS-75 the Python port keeps 16 bits of what lies outside the BMP; such a hash is read as it stands")
    func pythonPort() throws {
        let hash = "N4Igxg9gdgZglgcwK4CcCGAjANgUxALlAA8CQBLwADeQBfaoA"  // of {"configurable":{"x":"é😀"}}, U+1F600
        #expect(try LZString.decompress(hash.utf8) == "{\"configurable\":{\"x\":\"é\u{F600}\"}}")
    }

    @Test("LS-75 texts that the original compressed are read, and written the same")
    func original() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "LZStringVectors.json"
        )
        let pairs = try JSONDecoder().decode([[String]].self, from: try Data(contentsOf: file))
        #expect(pairs.count >= 100)
        for pair in pairs {
            #expect(try LZString.decompress(pair[1].utf8) == pair[0])
            #expect(LZString.compress(pair[0]) == pair[1])
        }
    }

    @Test("LS-75 what was compressed comes back")
    func roundTrips() throws {
        var random = Generator(state: 75)
        let alphabets: [[Unicode.Scalar]] = [
            ["a"], ["a", "b"], Array(#"{}[]":,\0123456789abcdef"#.unicodeScalars),
            ["é", "ÿ", "Ā", "\u{FFFF}", "😀", "\u{0}"],
            (0..<2000).compactMap(Unicode.Scalar.init),
        ]
        for round in 0..<600 {
            var text = ""
            let alphabet = alphabets[round % alphabets.count]
            for _ in 0..<Int.random(in: 0...400, using: &random) {
                text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
            }
            let hash = LZString.compress(text)
            #expect(hash.wholeMatch(of: /[A-Za-z0-9+-]+/) != nil)
            #expect(try LZString.decompress(hash.utf8) == text)
        }
    }

    @Test("LS-75 a result stops at the limit, and not a unit before")
    func limit() throws {
        let text = String(repeating: "a", count: 3000)
        let hash = LZString.compress(text)
        #expect(hash.utf8.count < 200)
        #expect(try LZString.decompress(hash.utf8, limit: 3000) == text)
        for limit in [0, 1, 2, 100, 2999] {
            #expect(throws: LZString.Failure.tooLong) { try LZString.decompress(hash.utf8, limit: limit) }
        }
        let long = LZString.compress(String(repeating: "a", count: 65_537))
        #expect(throws: LZString.Failure.tooLong) { try LZString.decompress(long.utf8) }
        let half = LZString.compress(String(repeating: "😀", count: 10))
        #expect(throws: LZString.Failure.tooLong) { try LZString.decompress(half.utf8, limit: 19) }
        #expect(try LZString.decompress(half.utf8, limit: 20).utf16.count == 20)
    }

    @Test(
        "LS-75 what no compressor wrote is refused",
        arguments: ["", "N", "N4X", "%7B%7D", "é", "{}", "____", "x", "-", "++++", "AAAAAAAA"]
    )
    func malformed(hash: String) {
        #expect(throws: LZString.Failure.malformed) { try LZString.decompress(hash.utf8) }
    }

    @Test("LS-75 a space is a plus, and what follows the end is ignored, as in the original")
    func lenient() throws {
        #expect(try LZString.decompress("N4IgLghg5gziBcBtEEQF0C Q".utf8) == #"{"tags":["a"]}"#)
        #expect(try LZString.decompress("N4XyA%%%%".utf8) == "{}")
    }

    @Test("LS-75 half of a surrogate pair is no text")
    func surrogates() throws {
        // A 16-bit unit, D83D, and the end.
        let hash = Self.written([(1, 2), (0xD83D, 16), (2, 3)])
        #expect(throws: LZString.Failure.malformed) { try LZString.decompress(hash.utf8) }
        let whole = Self.written([(1, 2), (0xD83D, 16), (1, 3), (0xDE00, 16), (2, 3)])
        #expect(try LZString.decompress(whole.utf8) == "😀")
    }

    @Test("LS-75 an entry that is not there yet is refused")
    func unknownEntry() throws {
        #expect(throws: LZString.Failure.malformed) { try LZString.decompress(Self.written([(3, 2)]).utf8) }
        // "a", then entry 4, which is "a" and its own first unit; entry 5 would be the next one.
        #expect(try LZString.decompress(Self.written([(0, 2), (97, 8), (4, 3), (2, 3)]).utf8) == "aaa")
        #expect(throws: LZString.Failure.malformed) {
            try LZString.decompress(Self.written([(0, 2), (97, 8), (5, 3), (2, 3)]).utf8)
        }
    }

    @Test("LS-75 mutated hashes are read within the limit, or refused, and never more")
    func mutations() throws {
        var random = Generator(state: 1970)
        let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-$ %é".utf8)
        var refused = 0, read = 0
        for round in 0..<20_000 {
            var hash = Array(Self.table[round % Self.table.count].1.utf8)
            for _ in 0...Int.random(in: 0...4, using: &random) {
                let place = Int.random(in: 0...hash.count, using: &random)
                let character = characters[Int.random(in: 0..<characters.count, using: &random)]
                switch Int.random(in: 0..<4, using: &random) {
                case 0: hash.insert(character, at: place)
                case 1 where place < hash.count: hash.remove(at: place)
                case 2: hash.removeSubrange(place...)
                case 3: hash += hash[..<place]
                default: if place < hash.count { hash[place] = character }
                }
            }
            do {
                let text = try LZString.decompress(hash, limit: 50)
                #expect(text.utf16.count <= 50)
                #expect(try LZString.decompress(LZString.compress(text).utf8) == text)
                read += 1
            } catch {
                refused += 1
            }
        }
        #expect(read > 100 && refused > 100)
    }

    /// Numbers in so many bits, lowest first, as characters of six bits, highest first.
    private static func written(_ numbers: [(value: Int, width: Int)]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-")
        var bits = numbers.flatMap { number in (0..<number.width).map { number.value >> $0 & 1 } }
        bits += Array(repeating: 0, count: 6 - bits.count % 6)
        return String(
            stride(from: 0, to: bits.count, by: 6).map { start in
                alphabet[bits[start..<start + 6].reduce(0) { $0 * 2 + $1 }]
            }
        )
    }

    /// xorshift: the same numbers each time.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }
}
