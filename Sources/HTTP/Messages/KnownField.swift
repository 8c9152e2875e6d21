/// The fields that the codec itself acts on, recognised once when a field is parsed or appended.
enum KnownField: UInt8, Sendable {
    case other, host, connection, contentLength, transferEncoding, expect, date

    /// Recognises a field name in any case.
    @inline(__always)
    init(name: UnsafeRawPointer, count: Int) {
        // The length alone rules out most names.
        switch count {
        case 4:
            if Bytes.equal(name, count, lowercase: "host") {
                self = .host
            } else {
                self = Bytes.equal(name, count, lowercase: "date") ? .date : .other
            }
        case 6: self = Bytes.equal(name, count, lowercase: "expect") ? .expect : .other
        case 10: self = Bytes.equal(name, count, lowercase: "connection") ? .connection : .other
        case 14: self = Bytes.equal(name, count, lowercase: "content-length") ? .contentLength : .other
        case 17: self = Bytes.equal(name, count, lowercase: "transfer-encoding") ? .transferEncoding : .other
        default: self = .other
        }
    }

    /// A set of kinds; `.other` is never in one.
    struct Set: OptionSet, Sendable {
        let rawValue: UInt8

        static let host = KnownField.host.set
        static let connection = KnownField.connection.set
        static let contentLength = KnownField.contentLength.set
        static let transferEncoding = KnownField.transferEncoding.set
        static let expect = KnownField.expect.set
        static let date = KnownField.date.set
    }

    var set: Set { self == .other ? [] : Set(rawValue: 1 << rawValue) }
}
