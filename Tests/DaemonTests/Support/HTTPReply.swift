/// A response as a client sees it. Parsed by hand, without the code under test.
struct HTTPReply {
    enum Ending: Equatable {
        /// Content-Length reached, or the last chunk there.
        case complete
        /// The connection was closed before that.
        case cut
        /// The connection was reset before that.
        case reset
    }

    var status = 0
    /// Names in lower case.
    var fields: [(name: String, value: String)] = []
    /// Lines of fields behind the last chunk.
    var trailers: [String] = []
    var chunks: [[UInt8]] = []
    var body: [UInt8] = []
    var ending: Ending?
    /// Interim responses before it.
    var interim = 0

    var text: String { String(decoding: body, as: UTF8.self) }

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// Events of a server-sent stream so far: name and data.
    var events: [(name: String, data: String)] {
        var events: [(String, String)] = []
        let blocks = text.split(separator: "\r\n\r\n", omittingEmptySubsequences: true)
        for block in blocks {
            var name = ""
            var data: [Substring] = []
            for line in block.split(separator: "\r\n") {
                if line.hasPrefix("event: ") { name = String(line.dropFirst(7)) }
                if line.hasPrefix("data: ") { data.append(line.dropFirst(6)) }
            }
            if !name.isEmpty || !data.isEmpty { events.append((name, data.joined(separator: "\n"))) }
        }
        return events
    }

    /// Lines of the body so far.
    var lines: [String] { text.split(separator: "\n").map(String.init) }
}

/// Takes responses out of the bytes of a connection.
struct ReplyParser {
    private var buffer: [UInt8] = []
    private var start = 0
    private(set) var reply = HTTPReply()
    private var hasHead = false
    private var length: Int?
    private var isChunked = false
    private var hasNoBody = false

    /// Everything that came and is not yet part of a response.
    var rest: [UInt8] { Array(buffer[start...]) }

    /// The head of the response under way is there.
    var isInBody: Bool { hasHead }

    mutating func feed(_ bytes: some Collection<UInt8>) {
        buffer.append(contentsOf: bytes)
    }

    /// Begins with the next response.
    mutating func begin(toHead: Bool = false) {
        buffer.removeFirst(start)
        start = 0
        reply = HTTPReply()
        hasHead = false
        length = nil
        isChunked = false
        hasNoBody = toHead
    }

    /// Parses what is there; true when the response is complete.
    mutating func advance() throws -> Bool {
        if reply.ending != nil { return true }
        while !hasHead {
            guard let end = find([13, 10, 13, 10], from: start) else { return false }
            try parseHead(Array(buffer[start..<end]))
            start = end + 4
            if (100..<200).contains(reply.status) {
                reply.interim += 1
                hasHead = false
            }
        }
        if hasNoBody || reply.status == 204 || reply.status == 304 {
            reply.ending = .complete
        } else if isChunked {
            try takeChunks()
        } else {
            let wanted = length.map { $0 - reply.body.count } ?? .max
            let taken = min(wanted, buffer.count - start)
            reply.body.append(contentsOf: buffer[start..<start + taken])
            start += taken
            if reply.body.count == length { reply.ending = .complete }
        }
        return reply.ending != nil
    }

    private mutating func takeChunks() throws {
        while reply.ending == nil, let line = find([13, 10], from: start) {
            guard let size = Int(String(decoding: buffer[start..<line], as: UTF8.self), radix: 16) else {
                throw NotYet(description: "bad chunk size \(String(decoding: buffer[start..<line], as: UTF8.self))")
            }
            if size == 0 {
                guard takeTrailers(from: line + 2) else { return }
                reply.ending = .complete
                return
            }
            guard buffer.count >= line + 2 + size + 2 else { return }
            let bytes = buffer[line + 2..<line + 2 + size]
            guard buffer[line + 2 + size] == 13, buffer[line + 3 + size] == 10 else {
                throw NotYet(description: "no line end behind a chunk")
            }
            start = line + 4 + size
            reply.chunks.append(Array(bytes))
            reply.body.append(contentsOf: bytes)
        }
    }

    /// Lines up to the empty one; false while that is not there.
    private mutating func takeTrailers(from first: Int) -> Bool {
        var lines: [String] = []
        var place = first
        while let end = find([13, 10], from: place) {
            let line = String(decoding: buffer[place..<end], as: UTF8.self)
            place = end + 2
            guard !line.isEmpty else {
                start = place
                reply.trailers = lines
                return true
            }
            lines.append(line)
        }
        return false
    }

    private mutating func parseHead(_ bytes: [UInt8]) throws {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            throw NotYet(description: "bad status line: \(lines[0])")
        }
        reply.status = status
        reply.fields = []
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw NotYet(description: "bad field: \(line)") }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            reply.fields.append((line[..<colon].lowercased(), String(value)))
        }
        length = reply["content-length"].flatMap { Int($0) }
        isChunked = reply["transfer-encoding"] == "chunked"
        hasHead = true
    }

    private func find(_ pattern: [UInt8], from: Int) -> Int? {
        var place = from
        while place + pattern.count <= buffer.count {
            if buffer[place] == pattern[0], buffer[place..<place + pattern.count].elementsEqual(pattern) {
                return place
            }
            place += 1
        }
        return nil
    }
}
