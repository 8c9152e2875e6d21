import Runnable
import ScriptedUpstream
import Testing

/// A collector of spans: what it was sent, taken apart without the code that wrote it.
struct TestCollector: Sendable {
    let server: ScriptedUpstream

    /// Answers with these scripts, one for each request, and takes everything without.
    init(_ scripts: [UpstreamScript]? = nil) {
        server = ScriptedUpstream(scripts ?? [UpstreamScript](repeating: .response("{}"), count: 1000))
    }

    /// A `tracing` section that leads here.
    func tracing(_ more: String = "sample: 1, interval: 10ms") -> String {
        "tracing: {endpoint: \"http://127.0.0.1:\(server.port)\", \(more)}\n"
    }

    /// Everything that was sent so far.
    var spans: [TestSpan] {
        get throws {
            try server.requests.flatMap { request in
                #expect(request.head.hasPrefix("POST /v1/traces HTTP/1.1\r\n"))
                #expect(request.head.lowercased().contains("\r\ncontent-type: application/json"))
                return try TestSpan.parse(request.body)
            }
        }
    }

    /// The attributes of the resource that the first request names.
    var resource: [String: String] {
        get throws {
            let body = try Value(parsing: try #require(server.requests.first).body)
            return TestSpan.attributes(body["resourceSpans"]?[0]["resource"]?["attributes"] ?? .null)
        }
    }
}

/// A span as a collector reads it.
struct TestSpan {
    let name: String
    let kind: Int
    let trace: String
    let id: String
    let parent: String?
    let state: String?
    let flags: Int
    let start: Int
    let end: Int
    let isError: Bool
    /// Values as text, lists with commas.
    let attributes: [String: String]
    let events: [String]

    static func parse(_ body: String) throws -> [TestSpan] {
        let json = try Value(parsing: body)
        let scopes = try #require(json["resourceSpans"]?.array).flatMap { $0["scopeSpans"]?.array ?? [] }
        return try scopes.flatMap { try #require($0["spans"]?.array) }.map(TestSpan.init)
    }

    private init(_ json: Value) throws {
        name = try #require(json["name"]?.string)
        kind = try #require(json["kind"]?.integer)
        trace = try #require(json["traceId"]?.string)
        id = try #require(json["spanId"]?.string)
        parent = json["parentSpanId"]?.string
        state = json["traceState"]?.string
        flags = try #require(json["flags"]?.integer)
        start = try #require(json["startTimeUnixNano"]?.string.flatMap { Int($0) })
        end = try #require(json["endTimeUnixNano"]?.string.flatMap { Int($0) })
        isError = json["status"]?["code"]?.integer == 2
        attributes = TestSpan.attributes(json["attributes"] ?? .null)
        events = json["events"]?.array?.compactMap { $0["name"]?.string } ?? []
        #expect(start <= end)
    }

    static func attributes(_ json: Value) -> [String: String] {
        var attributes: [String: String] = [:]
        for entry in json.array ?? [] {
            guard let key = entry["key"]?.string, let value = entry["value"]?.object else { continue }
            #expect(attributes[key] == nil, "\(key) twice")
            for member in value {
                let value = member.value
                switch member.key {
                case "stringValue", "intValue": attributes[key] = value.string
                case "arrayValue":
                    attributes[key] = value["values"]?.array?.compactMap { $0["stringValue"]?.string }.joined(
                        separator: ","
                    )
                default: attributes[key] = value.description
                }
            }
        }
        return attributes
    }
}
