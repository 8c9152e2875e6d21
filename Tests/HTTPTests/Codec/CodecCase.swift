import HTTP
import Testing

/// A message, or several, with everything a decoder must say about it.
///
/// In `wire`, `⏎` stands for CR LF.
struct CodecCase: Sendable, CustomTestStringConvertible {
    let name: String
    let wire: [UInt8]
    let says: [String]
    var limits = HTTPLimits()
    var method = HTTPMethod.get

    var testDescription: String { name }

    /// A case that ends as told, line by line; see `Transcript`.
    init(
        _ name: String,
        _ wire: String,
        says: [String],
        limits: HTTPLimits = HTTPLimits(),
        to method: HTTPMethod = .get
    ) {
        self.name = name
        self.wire = CodecCase.bytes(wire)
        self.says = says
        self.limits = limits
        self.method = method
    }

    /// A case that is refused at once.
    init(
        _ name: String,
        _ wire: String,
        _ status: Int,
        _ reason: HTTPParseError.Reason,
        limits: HTTPLimits = HTTPLimits()
    ) {
        self.init(name, wire, says: ["refused \(status): \(reason.rawValue)"], limits: limits)
    }

    static func bytes(_ wire: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for character in wire {
            if character == "⏎" { bytes += [13, 10] } else { bytes += Array(String(character).utf8) }
        }
        return bytes
    }
}

/// What a decoder said, one line per event; body bytes that follow each other are one line.
struct Transcript: Equatable {
    private(set) var lines: [String] = []
    private var body: [UInt8] = []

    mutating func say(_ line: String) {
        if !body.isEmpty { lines.append("body \(String(decoding: body, as: UTF8.self))") }
        body = []
        lines.append(line)
    }

    mutating func say(body bytes: UnsafeRawBufferPointer) {
        #expect(!bytes.isEmpty)
        body.append(contentsOf: bytes)
    }

    mutating func say(end trailers: HTTPFields?) {
        say(trailers.map { "end with " + Transcript.text(of: $0) } ?? "end")
    }

    mutating func say(_ error: HTTPParseError) { say("refused \(error.status): \(error.reason.rawValue)") }

    static func text(of fields: HTTPFields) -> String {
        var texts: [String] = []
        fields.forEach { texts.append(String(decoding: $0, as: UTF8.self) + "=" + String(decoding: $1, as: UTF8.self)) }
        return texts.joined(separator: "|")
    }

    static func text(of framing: BodyFraming) -> String {
        switch framing {
        case .none: "none"
        case .length(let count): "length \(count)"
        case .chunked: "chunked"
        case .untilClose: "until close"
        }
    }
}

extension Transcript {
    /// `METHOD target version framing keep|close`, with `path`, `query` and `host` where they are not the plain ones.
    static func requests(_ pieces: [ArraySlice<UInt8>], limits: HTTPLimits) -> [String] {
        var decoder = RequestDecoder(limits: limits)
        var said = Transcript()
        do throws(HTTPParseError) {
            for piece in pieces {
                // A copy in memory of its own, gone before the next piece comes: nothing may point into it by then.
                let copy = [UInt8](piece)
                try copy.withUnsafeBufferPointer { (bytes) throws(HTTPParseError) in
                    var input = UnsafeRawBufferPointer(bytes)
                    while let event = try decoder.next(&input) { said.say(event) }
                    #expect(input.isEmpty)
                }
            }
            if decoder.hasPartialHead {
                said.say("inside a head")
            } else if !decoder.isBetweenMessages {
                said.say("inside a body")
            }
        } catch {
            said.say(error)
            var input = UnsafeRawBufferPointer(start: nil, count: 0)
            #expect(throws: error) { try decoder.next(&input) }
        }
        return said.lines
    }

    private mutating func say(_ event: RequestDecoder.Event) {
        switch event {
        case .head(let head):
            var line = "\(head.method) \(head.target) \(head.version == .http11 ? "1.1" : "1.0") "
            line += Transcript.text(of: head.framing) + (head.keepAlive ? " keep" : " close")
            if head.expectsContinue { line += " continue" }
            if head.path != head.target { line += " path \(head.path)" }
            if let query = head.query { line += " query \(query)" }
            if let host = head.host, host != "a" { line += " host \(host)" }
            say(line)
        case .body(let bytes): say(body: bytes)
        case .end(let trailers): say(end: trailers)
        }
    }

    /// `status reason version framing keep|close`, or `interim status`.
    static func responses(_ pieces: [ArraySlice<UInt8>], to method: HTTPMethod, limits: HTTPLimits) -> [String] {
        var decoder = ResponseDecoder(limits: limits)
        decoder.expect(responseTo: method)
        var said = Transcript()
        var extra = 0
        do throws(HTTPParseError) {
            for piece in pieces {
                let copy = [UInt8](piece)
                try copy.withUnsafeBufferPointer { (bytes) throws(HTTPParseError) in
                    var input = UnsafeRawBufferPointer(bytes)
                    while let event = try decoder.next(&input) { said.say(event) }
                    #expect(input.isEmpty || decoder.isBetweenMessages)
                    extra += input.count
                }
            }
            while let event = try decoder.finish() { said.say(event) }
            if extra > 0 { said.say("extra \(extra)") }
        } catch {
            said.say(error)
            #expect(throws: error) { try decoder.finish() }
        }
        return said.lines
    }

    private mutating func say(_ event: ResponseDecoder.Event) {
        switch event {
        case .informational(let head): say("interim \(head.status)")
        case .head(let head):
            let reason = head.reason.isEmpty ? "-" : head.reason
            let framing = Transcript.text(of: head.framing)
            say(
                "\(head.status) \(reason) \(head.version == .http11 ? "1.1" : "1.0") \(framing) "
                    + (head.keepAlive ? "keep" : "close")
            )
        case .body(let bytes): say(body: bytes)
        case .end(let trailers): say(end: trailers)
        }
    }
}

/// Every way of feeding `wire` that the tests use: whole, in two pieces cut anywhere, in single bytes, with empty
/// pieces.
func forEachSplit(_ wire: [UInt8], _ body: (_ name: String, _ pieces: [ArraySlice<UInt8>]) -> Void) {
    body("whole", [wire[...]])
    body("in single bytes", wire.indices.map { wire[$0...$0] })
    body("with empty pieces", [[], wire[...], []])
    for cut in wire.indices.dropFirst() { body("cut at \(cut)", [wire[..<cut], wire[cut...]]) }
}
