/// "Did you mean": the name closest to what was written.
enum Suggestion {
    /// What people know these settings as from elsewhere.
    private static let synonyms = [
        "base_url": "url", "api_base": "url", "endpoint": "url", "host": "url", "type": "dialect",
        "provider": "dialect",
        "timeout": "timeouts", "temperature": "params.temperature", "max_tokens": "params.max_tokens",
        "top_p": "params.top_p", "seed": "params.seed", "stop": "params.stop", "bind": "listen", "port": "listen",
        "cert": "certificate", "private_key": "key", "threads": "loops", "workers": "loops", "logging": "log",
        "key_file": "api_key_file", "token": "api_key", "ca": "ca_file", "sni": "server_name", "address": "listen",
    ]

    /// The candidate that begins like it or is within two edits (one for short names), or what a synonym stands for.
    static func closest(to name: String, among candidates: [String]) -> String? {
        if let synonym = synonyms[name], candidates.contains(String(synonym.prefix { $0 != "." })) { return synonym }
        if name.count >= 3, let longer = candidates.first(where: { $0.hasPrefix(name) }) { return longer }
        guard name.count > 1 else { return nil }  // every other letter is one edit away
        let limit = name.count <= 4 ? 1 : 2
        let ranked = candidates.map { ($0, distance(name.lowercased(), $0.lowercased())) }.filter { $0.1 <= limit }
        return ranked.min { $0.1 < $1.1 }?.0
    }

    /// `; did you mean "x"?`, or else the whole list when it is short enough to help.
    static func hint(for name: String, among candidates: [String]) -> String {
        var seen: Set<String> = []
        let candidates = candidates.filter { seen.insert($0).inserted }  // a name given twice is a mistake of its own
        if let closest = closest(to: name, among: candidates) { return "; did you mean \"\(closest)\"?" }
        guard !candidates.isEmpty, candidates.count <= 24 else { return "" }
        return "; expected \(candidates.count == 1 ? "" : "one of ")\(candidates.joined(separator: ", "))"
    }

    /// Edits (insert, delete, replace, swap of neighbours) from one text to the other.
    static func distance(_ from: String, _ to: String) -> Int {
        let from = Array(from.unicodeScalars)
        let to = Array(to.unicodeScalars)
        guard !from.isEmpty, !to.isEmpty, from.count <= 64, to.count <= 64 else { return max(from.count, to.count) }
        var beforePrevious = [Int](repeating: 0, count: to.count + 1)
        var previous = Array(0...to.count)
        for row in 1...from.count {
            var current = [row] + [Int](repeating: 0, count: to.count)
            for column in 1...to.count {
                let replaced = previous[column - 1] + (from[row - 1] == to[column - 1] ? 0 : 1)
                current[column] = min(previous[column] + 1, current[column - 1] + 1, replaced)
                if row > 1, column > 1, from[row - 1] == to[column - 2], from[row - 2] == to[column - 1] {
                    current[column] = min(current[column], beforePrevious[column - 2] + 1)
                }
            }
            beforePrevious = previous
            previous = current
        }
        return previous[to.count]
    }
}
