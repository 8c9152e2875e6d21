/// libFuzzer target for the event stream and line decoders.
///
/// The first three bytes choose bounds and where to split; the rest is the stream. The decoders must not crash, and
/// must say the same for the whole input, for a split one, and for single bytes. The events must also be those of a
/// plain reading of the standard.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 3 else { return 0 }
    let wire = UnsafeRawBufferPointer(start: data + 3, count: count - 3)
    let split = (Int(data[1]) << 8 | Int(data[2])) % (wire.count + 1)
    let bound = data[0] & 1 == 0 ? 4 << 20 : 24
    let halves = [UnsafeRawBufferPointer(rebasing: wire[..<split]), UnsafeRawBufferPointer(rebasing: wire[split...])]
    let whole = events([wire], bound)
    precondition(whole == events(halves, bound), "events differ when split at \(split)")
    let wholeLines = lines([wire], bound)
    precondition(wholeLines == lines(halves, bound), "lines differ when split at \(split)")
    if bound > wire.count { precondition(whole.events == plainReading([UInt8](wire)), "not what the standard says") }
    guard wire.count <= 2048 else { return 0 }
    let bytes = wire.indices.map { UnsafeRawBufferPointer(rebasing: wire[$0..<($0 + 1)]) }
    precondition(whole == events(bytes, bound), "events differ byte by byte")
    precondition(wholeLines == lines(bytes, bound), "lines differ byte by byte")
    return 0
}

private struct Transcript: Equatable {
    var events: [[UInt8]] = []
    var comments = 0
    var isBetween = false
    var failed = false
}

private func events(_ pieces: [UnsafeRawBufferPointer], _ bound: Int) -> Transcript {
    var decoder = SSEDecoder(maximumEventBytes: bound)
    var said = Transcript()
    do {
        for piece in pieces {
            try decoder.feed(piece) { said.events.append([UInt8]($0.name) + [0xFF, 0xFF] + [UInt8]($0.data)) }
        }
        said.isBetween = decoder.isBetweenEvents
    } catch {
        said.failed = true
    }
    said.comments = decoder.commentCount
    return said
}

private func lines(_ pieces: [UnsafeRawBufferPointer], _ bound: Int) -> Transcript {
    var decoder = NDJSONDecoder(maximumLineBytes: bound)
    var said = Transcript()
    do {
        for piece in pieces { try decoder.feed(piece) { said.events.append([UInt8]($0)) } }
        said.isBetween = decoder.isBetweenLines
        decoder.finish { said.events.append([UInt8]($0)) }
    } catch {
        said.failed = true
    }
    return said
}

/// The events of a whole stream, by the standard's words and without any concern for speed.
private func plainReading(_ stream: [UInt8]) -> [[UInt8]] {
    var stream = stream
    if stream.starts(with: [0xEF, 0xBB, 0xBF]) { stream.removeFirst(3) }
    var events: [[UInt8]] = []
    var line: [UInt8] = []
    var name: [UInt8] = []
    var data: [UInt8] = []
    for (index, byte) in stream.enumerated() {
        if byte == 0x0A, index > 0, stream[index - 1] == 0x0D { continue }
        guard byte == 0x0A || byte == 0x0D else {
            line.append(byte)
            continue
        }
        if line.isEmpty {
            if !data.isEmpty { events.append(name + [0xFF, 0xFF] + data.dropLast()) }
            name = []
            data = []
        } else if line[0] != 0x3A {
            let parts = line.split(separator: 0x3A, maxSplits: 1, omittingEmptySubsequences: false)
            var value = parts.count == 2 ? Array(parts[1]) : []
            if value.first == 0x20 { value.removeFirst() }
            if parts[0].elementsEqual("event".utf8) { name = value }
            if parts[0].elementsEqual("data".utf8) { data += value + [0x0A] }
        }
        line = []
    }
    return events
}
