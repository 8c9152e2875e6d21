import JSON
package import Runnable

extension [UInt8] {
    /// Appends a value as one line of JSON; numbers come out as they were read.
    package mutating func appendJSON(_ value: Value) {
        switch value {
        case .null: appendRaw("null")
        case .bool(let bool): appendJSON(bool)
        case .number(let text): append(contentsOf: text.utf8)
        case .string(let text): appendJSON(text)
        case .array(let elements):
            append(UInt8(ascii: "["))
            for (place, element) in elements.enumerated() {
                if place > 0 { append(UInt8(ascii: ",")) }
                appendJSON(element)
            }
            append(UInt8(ascii: "]"))
        case .object(let members): appendJSON(members)
        }
    }

    /// Appends an object as one line of JSON, members in their order.
    package mutating func appendJSON(_ members: Value.Object) {
        append(UInt8(ascii: "{"))
        for (place, member) in members.enumerated() {
            if place > 0 { append(UInt8(ascii: ",")) }
            appendJSON(member.key)
            append(UInt8(ascii: ":"))
            appendJSON(member.value)
        }
        append(UInt8(ascii: "}"))
    }
}
