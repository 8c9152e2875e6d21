/// Takes our own secrets out of text that an upstream wrote, since some echo the key they were sent.
struct Redaction: Sendable {
    private static let replacement = Array("<redacted>".utf8)
    /// Shorter ones would blank out ordinary words.
    private static let shortest = 4

    private let secrets: [[UInt8]]

    init(_ secrets: [String]) {
        var all: [[UInt8]] = []
        for secret in secrets {
            all.append(Array(secret.utf8))
            // An echo of `Bearer x` may be of `x` alone.
            if let last = secret.split(separator: " ").last { all.append(Array(last.utf8)) }
        }
        self.secrets = all.filter { $0.count >= Redaction.shortest }.sorted { $0.count > $1.count }
    }

    /// `text` without the secrets, and whether there were any in it.
    func redact(_ text: String) -> (text: String, found: Bool) {
        guard !secrets.isEmpty else { return (text, false) }
        var bytes = Array(text.utf8)
        var found = false
        for secret in secrets {
            var place = 0
            while place + secret.count <= bytes.count {
                if bytes[place] == secret[0], bytes[place..<place + secret.count].elementsEqual(secret) {
                    bytes.replaceSubrange(place..<place + secret.count, with: Redaction.replacement)
                    place += Redaction.replacement.count
                    found = true
                } else {
                    place += 1
                }
            }
        }
        return found ? (String(decoding: bytes, as: UTF8.self), true) : (text, false)
    }
}
