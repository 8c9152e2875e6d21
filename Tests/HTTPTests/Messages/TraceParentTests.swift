import HTTP
import Testing

/// `traceparent` and `tracestate` as the specification of W3C's Trace Context has them.
@Suite struct TraceParentTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    private static func parse(_ text: String) -> TraceParent? {
        var text = text
        return text.withUTF8 { TraceParent(parsing: UnsafeRawBufferPointer($0)) }
    }

    private static func text(_ parent: TraceParent) -> String {
        var bytes: [UInt8] = []
        parent.append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func fields(_ lines: (StaticString, String)...) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in lines {
            let isValue = fields.append(name, checking: value)
            #expect(isValue)
        }
        return fields
    }

    @Test(
        "what is valid is read, and written as version 00",
        arguments: [
            ("00-\(trace)-\(span)-01", "00-\(trace)-\(span)-01"),
            ("00-\(trace)-\(span)-00", "00-\(trace)-\(span)-00"),
            ("00-\(trace)-\(span)-03", "00-\(trace)-\(span)-03"),
            // Flags that mean nothing are not passed on.
            ("00-\(trace)-\(span)-ff", "00-\(trace)-\(span)-03"),
            ("00-\(trace)-\(span)-08", "00-\(trace)-\(span)-00"),
            (
                "00-00000000000000000000000000000001-0000000000000001-01",
                "00-00000000000000000000000000000001-0000000000000001-01"
            ),
            (
                "00-10000000000000000000000000000000-1000000000000000-01",
                "00-10000000000000000000000000000000-1000000000000000-01"
            ),
            // Later versions: what ours has of them.
            ("01-\(trace)-\(span)-01", "00-\(trace)-\(span)-01"),
            ("cc-\(trace)-\(span)-01-what-the-future-brings", "00-\(trace)-\(span)-01"),
            ("fe-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01"),
        ]
    )
    func valid(text: String, written: String) throws {
        let parent = try #require(TraceParentTests.parse(text))
        #expect(TraceParentTests.text(parent) == written)
        #expect(TraceParentTests.parse(written) == parent)
    }

    @Test(
        "what is not valid is none",
        arguments: [
            "", "00", "-", "00-", "00-\(trace)-\(span)", "00-\(trace)-\(span)-", "00-\(trace)-\(span)-0",
            "ff-\(trace)-\(span)-01",
            "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01-more", "00-\(trace)-\(span)-010",
            "01-\(trace)-\(span)-01more", "01-\(trace)-\(span)-01.",
            "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
            "00-\(trace.uppercased())-\(span)-01", "00-\(trace)-\(span.uppercased())-01", "0A-\(trace)-\(span)-01",
            "00-\(trace)-\(span)-0G", "00-\(trace)-\(span)-0A", "00-\(trace)-\(span)- 1", "00-\(trace)-\(span)-+1",
            "00_\(trace)_\(span)_01", "00-\(trace)\(span)--01", "00-\(trace.dropLast())-\(span)-01-",
            "0-\(trace)-\(span)-001", "00-\(trace)-\(span.dropLast())--01", " 00-\(trace)-\(span)-01",
            "00-\(trace.dropLast())g-\(span)-01", "00-\(trace.dropLast())é-\(span)-0",
        ]
    )
    func invalid(text: String) {
        #expect(TraceParentTests.parse(text) == nil)
    }

    @Test func `cut anywhere it is none, and with any byte changed it is another or none`() {
        let whole = "00-\(TraceParentTests.trace)-\(TraceParentTests.span)-01"
        let parent = TraceParentTests.parse(whole)
        for length in 0..<whole.utf8.count {
            #expect(TraceParentTests.parse(String(whole.prefix(length))) == nil)
        }
        for place in whole.utf8.indices {
            var bytes = Array(whole.utf8)
            let offset = whole.utf8.distance(from: whole.utf8.startIndex, to: place)
            for byte in UInt8.min...UInt8.max where byte != bytes[offset] {
                let old = bytes[offset]
                bytes[offset] = byte
                let changed = bytes.withUnsafeBytes { TraceParent(parsing: $0) }
                if let changed, offset >= 2, offset < 53 { #expect(changed != parent) }
                bytes[offset] = old
            }
        }
    }

    @Test func `one field counts, several do not`() {
        let value = "00-\(TraceParentTests.trace)-\(TraceParentTests.span)-01"
        #expect(TraceParent(TraceParentTests.fields(("TraceParent", value))) != nil)
        #expect(TraceParent(TraceParentTests.fields(("traceparent", value), ("traceparent", value))) == nil)
        #expect(TraceParent(TraceParentTests.fields(("tracestate", value))) == nil)
        #expect(TraceParent(TraceParentTests.fields(("traceparent", "x"))) == nil)
    }

    // MARK: tracestate

    private func state(_ values: String...) -> String? {
        var fields = HTTPFields()
        for value in values {
            let isValue = fields.append("tracestate", checking: value)
            #expect(isValue)
        }
        return TraceState.accepted(fields).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `members are passed on in order, those of several fields joined`() {
        #expect(state("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE") == "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
        #expect(state("a=1 ,\tb=2", "c=3") == "a=1,b=2,c=3")
        #expect(state("a=1,,b=2,") == "a=1,b=2")
        #expect(state("fw529a3039@dt=FfD_8X;p:!,0key*/-_=a b~") == "fw529a3039@dt=FfD_8X;p:!,0key*/-_=a b~")
        #expect(state("") == nil)
        #expect(state(",,") == nil)
        #expect(TraceState.accepted([:]) == nil)
    }

    @Test(
        "what is not in order is dropped whole",
        arguments: [
            "a", "=1", "a=", "A=1", "a=b=c", "a b=1", "_a=1", "@a=1", "a=1,B=2", "a=é",
            String(repeating: "k", count: 257) + "=1",
        ]
    )
    func badState(text: String) {
        #expect(state(text) == nil)
    }

    @Test func `there are at most 32 members and 512 bytes`() {
        let member = (0..<33).map { "k\($0)=v" }
        #expect(state(member.prefix(32).joined(separator: ",")) == member.prefix(32).joined(separator: ","))
        #expect(state(member.joined(separator: ",")) == nil)
        // Long ones go first, then the last ones.
        let long = "long=" + String(repeating: "x", count: 200)
        let short = (0..<8).map { "k\($0)=" + String(repeating: "v", count: 57) }  // 60 bytes each
        #expect(state("\(long),\(short.joined(separator: ","))") == short.joined(separator: ","))
        let more = (0..<9).map { "k\($0)=" + String(repeating: "v", count: 57) }
        #expect(state(more.joined(separator: ",")) == more.prefix(8).joined(separator: ","))
        let whole = "a=" + String(repeating: "x", count: 254) + ",b=" + String(repeating: "y", count: 252)
        #expect(whole.utf8.count <= 512)
        #expect(state(whole) == whole)
    }
}
