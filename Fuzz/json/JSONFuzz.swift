import Glibc
import JSON
import Oracle

/// Deeper than the oracle's default of 1024 would only compare limits.
private let maximumDepth = 100

/// Reads the input, checks every value's position and accessors, writes it again in every way and reads that back; and
/// compares verdict and values with simdjson's own DOM.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: data, count: size)
    let reader = JSONReader(maximumDepth: maximumDepth)
    // libFuzzer's block ends with the input, so the sanitizer sees any read past it.
    let dumped = dump(of: input, reader: reader)

    var padded = Array(input)
    padded.append(contentsOf: repeatElement(UInt8(ascii: "1"), count: 64))
    padded.withUnsafeBytes { bytes in
        let text = UnsafeRawBufferPointer(rebasing: bytes[..<size])
        precondition(dump(of: text, padded: true, reader: reader) == dumped, "padding changes the result")
        compareWithOracle(text, dumped)
    }
    guard case .success = dumped else { return 0 }
    do {
        var whole: [UInt8] = [], value: [UInt8] = []
        whole.appendCompactJSON(input)
        try reader.read(input) { value.appendCompactJSON($0.raw) }
        precondition(whole == value, "white space around the value is copied")
        try reader.read(input) { try checkWriting($0, dumped) }
        try reader.read(input) { try checkParts($0, in: input) }
    } catch {
        fatalError("second reading: \(error)")
    }
    return 0
}

private struct Dump: Equatable {
    var bytes: [UInt8] = []
    var hasLoneSurrogate = false
    var hasHugeNumber = false
}

private func dump(
    of text: UnsafeRawBufferPointer,
    padded: Bool = false,
    reader: JSONReader
) -> Result<Dump, JSONError> {
    do {
        return .success(
            try reader.read(text, padded: padded) { root in
                var result = Dump()
                add(root, to: &result)
                return result
            }
        )
    } catch let error as JSONError {
        precondition(error.offset.map { 0...text.count ~= $0 } ?? true, "offset outside the text")
        precondition(error.reason != .outOfMemory)
        return .failure(error)
    } catch {
        fatalError("\(error)")
    }
}

private func compareWithOracle(_ text: UnsafeRawBufferPointer, _ ours: Result<Dump, JSONError>) {
    let oracle = oracle_parse(text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count)
    defer { free(oracle.dump) }
    switch (ours, Int(oracle.verdict)) {
    case (.success(let dump), ORACLE_ACCEPTED):
        let theirs = UnsafeRawBufferPointer(start: oracle.dump, count: oracle.length)
        precondition(dump.bytes.elementsEqual(theirs), "values differ")
    case (.success(let dump), ORACLE_REFUSED_NUMBER):
        precondition(dump.hasHugeNumber, "a number only we accept")
    case (.success(let dump), ORACLE_REFUSED_STRING):
        precondition(dump.hasLoneSurrogate, "a string only we accept")
    case (.success, _): preconditionFailure("a text only we accept")
    case (.failure(let error), ORACLE_ACCEPTED):
        precondition(error.reason == .tooDeep, "a text only we refuse: \(error)")
    case (.failure, _): break
    }
}

private func add(_ view: JSONView, to dump: inout Dump) {
    switch view.kind {
    case .null: dump.bytes.append(UInt8(ascii: "n"))
    case .bool: dump.bytes.append(UInt8(ascii: view.bool == true ? "t" : "f"))
    case .number: addNumber(view, to: &dump)
    case .string: addString(view, to: &dump)
    case .array:
        dump.bytes.append(UInt8(ascii: "["))
        for element in view.elements { add(element, to: &dump) }
        dump.bytes.append(UInt8(ascii: "]"))
    case .object:
        dump.bytes.append(UInt8(ascii: "{"))
        for (key, value) in view.members {
            addString(key, to: &dump)
            add(value, to: &dump)
        }
        dump.bytes.append(UInt8(ascii: "}"))
    }
}

private func addNumber(_ view: JSONView, to dump: inout Dump) {
    let text = String(decoding: view.raw, as: UTF8.self)
    let isInteger = !text.utf8.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
    if isInteger, let int = view.int {
        precondition(Int(text) == int)
        dump.bytes.append(UInt8(ascii: "i"))
        withUnsafeBytes(of: int) { dump.bytes.append(contentsOf: $0) }
    } else if isInteger, let unsigned = UInt64(text) {
        dump.bytes.append(UInt8(ascii: "u"))
        withUnsafeBytes(of: unsigned) { dump.bytes.append(contentsOf: $0) }
    } else {
        precondition(view.int == nil)
        // simdjson also refuses exponents of more than 19 digits.
        if isInteger || view.double == nil || text.utf8.count > 19 { dump.hasHugeNumber = true }
        dump.bytes.append(UInt8(ascii: "d"))
        withUnsafeBytes(of: view.double ?? .infinity) { dump.bytes.append(contentsOf: $0) }
    }
}

private func addString(_ view: JSONView, to dump: inout Dump) {
    guard let string = view.string else { fatalError("a string without text") }
    let utf8 = Array(string.utf8)
    if string.unicodeScalars.contains("\u{FFFD}") { dump.hasLoneSurrogate = true }
    utf8.withUnsafeBytes { precondition(view.equals($0)) }
    var appended: [UInt8] = []
    precondition(view.appendString(to: &appended) && appended == utf8)
    if let bytes = view.stringBytes { precondition(bytes.elementsEqual(utf8)) }
    dump.bytes.append(UInt8(ascii: "s"))
    withUnsafeBytes(of: UInt32(utf8.count)) { dump.bytes.append(contentsOf: $0) }
    dump.bytes.append(contentsOf: utf8)
}

/// Compact copies and rewritten values must read back as the same values, on one line.
private func checkWriting(_ root: JSONView, _ expected: Result<Dump, JSONError>) throws {
    var copies: [[UInt8]] = [[], []]
    copies[0].appendCompactJSON(root.raw)
    rewrite(root, to: &copies[1])
    for copy in copies {
        let text = String(decoding: copy, as: UTF8.self)
        precondition(!text.unicodeScalars.contains { $0.value < 0x20 || [0x85, 0x2028, 0x2029].contains($0.value) })
        precondition(copy.withUnsafeBytes { dump(of: $0, reader: JSONReader(maximumDepth: maximumDepth)) } == expected)
    }
    var again: [UInt8] = []
    copies[0].withUnsafeBytes { again.appendCompactJSON($0) }
    precondition(again == copies[0], "compacting twice changes the text")
}

private func rewrite(_ view: JSONView, to out: inout [UInt8]) {
    switch view.kind {
    case .null, .bool, .number: out.append(contentsOf: view.raw)
    case .string:
        out.appendJSONString(of: view)
    case .array:
        out.appendRaw("[")
        for (index, element) in view.elements.enumerated() {
            if index > 0 { out.appendRaw(",") }
            rewrite(element, to: &out)
        }
        out.appendRaw("]")
    case .object:
        out.appendRaw("{")
        for (index, (key, value)) in view.members.enumerated() {
            if index > 0 { out.appendRaw(",") }
            out.appendJSON(key.string ?? "")
            out.appendRaw(":")
            rewrite(value, to: &out)
        }
        out.appendRaw("}")
    }
}

/// Every value lies inside its container and is a valid text by itself; lookups find the last of equal keys.
private func checkParts(_ view: JSONView, in container: UnsafeRawBufferPointer) throws {
    guard let start = view.raw.baseAddress, let outer = container.baseAddress else { fatalError("no address") }
    precondition(start >= outer && start + view.raw.count <= outer + container.count)
    if view.raw.count < 64 {
        try JSONReader(maximumDepth: maximumDepth).read(view.raw) { precondition($0.raw.elementsEqual(view.raw)) }
    }
    for element in view.elements { try checkParts(element, in: view.raw) }
    guard view.count < 50 else { return }
    for (key, value) in view.members {
        try checkParts(key, in: view.raw)
        try checkParts(value, in: view.raw)
        guard let name = key.string, let found = view.member(name) else { fatalError("a key is not found") }
        let last = view.members.filter { $0.key.string.map { $0.utf8.elementsEqual(name.utf8) } ?? false }.last
        precondition(found.offset == last?.value.offset)
    }
}
