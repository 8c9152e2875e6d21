import Glibc
import JSON

/// Takes known secrets out of text that is about to be written: the last line of defence, behind code that does not put
/// them there.
struct Redactor: Sendable {
    /// Shorter secrets are not looked for: they would match ordinary words, and hiding those helps nobody.
    static let shortestSecret = 6

    private let needles: [[UInt8]]
    private let longest: Int

    /// Looks for `secrets`, as they are and as they stand in JSON text; where one has a scheme before it
    /// (`Bearer abcdef`), also for the part behind the scheme.
    init(_ secrets: some Sequence<Secret>) {
        var needles: Set<[UInt8]> = []
        for secret in secrets {
            let text = secret.reveal()
            needles.formUnion(Redactor.variants(text))
            if let space = text.firstIndex(of: " ") {
                needles.formUnion(Redactor.variants(String(text[text.index(after: space)...])))
            }
        }
        self.needles = needles.filter { $0.count >= Redactor.shortestSecret }
        longest = self.needles.map(\.count).max() ?? 0
    }

    private static func variants(_ text: String) -> [[UInt8]] {
        var quoted: [UInt8] = []
        quoted.appendJSON(text)
        return [Array(text.utf8), Array(quoted.dropFirst().dropLast())]
    }

    /// `text` without secrets. What stands behind its first `limit` bytes (or behind the character or secret that they end in)
    /// is cut off and marked with `…`. Text that needs neither comes back as it is.
    func redact(_ text: String, limit: Int = LogText.longestValue) -> String {
        let isCut = text.utf8.count > limit
        if needles.isEmpty, !isCut { return text }
        // As far as a secret may reach that begins before the limit, so that no part of it stays.
        let bytes = Array(text.utf8.prefix(limit + max(longest, 4)))
        var end = min(limit, bytes.count)
        while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        let found = matches(in: bytes).filter { $0.lowerBound < end }
        if found.isEmpty, !isCut { return text }
        var result: [UInt8] = []
        var place = 0
        for match in found {
            result.append(contentsOf: bytes[place..<match.lowerBound])
            result.append(contentsOf: Secret.redacted.utf8)
            place = match.upperBound
        }
        if place < end { result.append(contentsOf: bytes[place..<end]) }
        return String(decoding: result, as: UTF8.self) + (isCut ? "…" : "")
    }

    /// Where secrets stand, in order and without overlaps: two that overlap become one, or the end of one would stay.
    private func matches(in bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        for needle in needles {
            var place = 0
            while let match = Redactor.find(needle, in: bytes, from: place) {
                found.append(match..<match + needle.count)
                place = match + 1
            }
        }
        found.sort { $0.lowerBound < $1.lowerBound }
        var merged: [Range<Int>] = []
        for match in found {
            if let last = merged.last, match.lowerBound < last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, match.upperBound)
            } else {
                merged.append(match)
            }
        }
        return merged
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, let first = needle.first else { return nil }
            var place = start
            while bytes.count - place >= needle.count {
                guard let candidate = memchr(base + place, Int32(first), bytes.count - place - needle.count + 1) else {
                    return nil
                }
                if memcmp(candidate, needle, needle.count) == 0 { return UnsafeRawPointer(candidate) - base }
                place = UnsafeRawPointer(candidate) - base + 1
            }
            return nil
        }
    }
}

extension Configuration {
    /// Every value that must not be seen outside: keys, header fields and parameters that are or may be credentials.
    public var secrets: [Secret] {
        var secrets = tracing.secrets
        for backend in backends { secrets += backend.secrets }
        for model in models {
            // JSON text: a string's quotes are not part of the secret.
            secrets += model.params.filter(\.isSecret).map { Secret($0.json.trimmingQuotes) }
        }
        return secrets
    }
}

extension String {
    fileprivate var trimmingQuotes: String {
        guard utf8.count >= 2, utf8.first == UInt8(ascii: "\""), utf8.last == UInt8(ascii: "\"") else { return self }
        return String(dropFirst().dropLast())
    }
}
