import Runnable
import Testing

/// A request as a test writes it.
struct TestRequest: Sendable {
    var method = "POST"
    var path: String
    var fields: [String] = []
    var body: [UInt8] = []

    static func post(_ path: String, _ body: String, _ fields: String...) -> TestRequest {
        TestRequest(path: path, fields: fields, body: Array(body.utf8))
    }

    static func get(_ path: String, _ fields: String...) -> TestRequest {
        TestRequest(method: "GET", path: path, fields: fields)
    }

    var bytes: [UInt8] {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: gateway.test"] + fields
        if method == "POST" || !body.isEmpty { lines.append("Content-Length: \(body.count)") }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
    }
}

/// An answer, or its head and what came of its body.
struct TestReply: Sendable {
    enum Ending: Sendable, Equatable {
        /// As HTTP wants it.
        case proper
        /// The connection ended in the middle.
        case cut
        case reset
    }

    var status: Int
    /// The status line and the fields as they came.
    let head: String
    private let fields: [(name: String, value: String)]
    /// The body: its chunks as they were sent, or the whole of it.
    var parts: [[UInt8]] = []
    /// Lines of fields behind the last chunk.
    var trailers: [String] = []
    var ending: Ending?
    var hasBody = true

    init(head: String) {
        self.head = head
        let lines = head.split(separator: "\r\n")
        status = lines.first.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
        fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
            return (parts[0].lowercased(), String(value))
        }
    }

    subscript(field: String) -> String? { fields.first { $0.name == field }?.value }

    var bytes: [UInt8] { Array(parts.joined()) }
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The body as JSON.
    var json: Value { get throws { try Value(parsing: text) } }

    /// The body as server-sent events.
    var events: [TestEvent] { get throws { try TestEvent.parse(text) } }

    /// The body as one JSON value a line.
    var lines: [Value] { get throws { try text.split(separator: "\n").map { try Value(parsing: String($0)) } } }
}

/// A server-sent event, read strictly: CR LF, `event` before at most one `data`, nothing else but comments.
struct TestEvent: Sendable, Equatable {
    var name: String
    var data: String?

    var json: Value { get throws { try Value(parsing: try #require(data)) } }

    static func parse(_ text: String) throws -> [TestEvent] {
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        var events: [TestEvent] = []
        var event: TestEvent?
        for line in lines {
            if line.isEmpty {
                if let event { events.append(event) }
                event = nil
            } else if line.hasPrefix("event: ") {
                try #require(event == nil, "two event lines in a row: \(text)")
                event = TestEvent(name: String(line.dropFirst(7)))
            } else if line.hasPrefix("data: ") {
                try #require(event != nil && event?.data == nil, "a data line out of place: \(text)")
                event?.data = String(line.dropFirst(6))
            } else {
                try #require(line.hasPrefix(":"), "not a line of an event: \(line)")
            }
        }
        try #require(event == nil, "the last event is not closed: \(text)")
        return events
    }
}

extension Value {
    /// An element of an array; `null` when there is none.
    subscript(place: Int) -> Value {
        guard let array, array.indices.contains(place) else { return .null }
        return array[place]
    }

    /// The keys of an object, in order.
    var keys: [String] { object?.keys ?? [] }
}

extension Sequence<TestEvent> {
    var names: [String] { map(\.name) }
    /// The data of the `data` events.
    var outputs: [Value] { get throws { try filter { $0.name == "data" }.map { try $0.json } } }
}
