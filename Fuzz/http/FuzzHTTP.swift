/// libFuzzer target for the request and response decoders.
///
/// The first three bytes choose decoder, request method, limits and where to split; the rest is the wire. Whatever it
/// is, the decoders must not crash, and must say the same for the whole input, for a split one, and for single bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 3 else { return 0 }
    let wire = UnsafeRawBufferPointer(start: data + 3, count: count - 3)
    let split = (Int(data[1]) << 8 | Int(data[2])) % (wire.count + 1)
    let limits =
        data[0] & 2 == 0
        ? HTTPLimits()
        : HTTPLimits(
            requestLine: 64,
            headerBlock: 128,
            fieldCount: 4,
            chunkLine: 8,
            chunkExtensions: 12,
            trailerBlock: 48,
            trailerCount: 2,
            interimResponses: 1
        )
    let method: HTTPMethod = [.post, .head, .connect, .get][Int(data[0] >> 2 & 3)]
    let run = { (pieces: [UnsafeRawBufferPointer]) in
        data[0] & 1 == 0 ? requests(pieces, limits) : responses(pieces, limits, to: method)
    }
    let whole = run([wire])
    let halves = run([
        UnsafeRawBufferPointer(rebasing: wire[..<split]), UnsafeRawBufferPointer(rebasing: wire[split...]),
    ])
    precondition(whole == halves, "split at \(split): \(whole) against \(halves)")
    guard wire.count <= 2048 else { return 0 }
    let bytewise = run(wire.indices.map { UnsafeRawBufferPointer(rebasing: wire[$0..<($0 + 1)]) })
    precondition(whole == bytewise, "byte by byte: \(whole) against \(bytewise)")
    return 0
}

/// Everything a decoder said, body bytes joined.
private struct Transcript: Equatable {
    var lines: [String] = []
    var body: [UInt8] = []
    var error: HTTPParseError?
    /// Bytes not consumed at the end.
    var rest = 0

    mutating func add(_ fields: HTTPFields) {
        // What was accepted must be acceptable as output, and survive it.
        var copy = HTTPFields()
        fields.forEach { precondition(copy.append($0, checking: $1), "accepted but not sendable") }
        precondition(copy == fields)
        fields.forEach {
            lines.append(String(decoding: $0, as: UTF8.self) + ": " + String(decoding: $1, as: UTF8.self))
        }
    }

    mutating func end(_ trailers: HTTPFields?) {
        lines.append("end, body so far \(body.count)")
        if let trailers { add(trailers) }
    }
}

private func requests(_ pieces: [UnsafeRawBufferPointer], _ limits: HTTPLimits) -> Transcript {
    var decoder = RequestDecoder(limits: limits)
    var said = Transcript()
    do throws(HTTPParseError) {
        for piece in pieces {
            var input = piece
            while let event = try decoder.next(&input) {
                switch event {
                case .head(let head):
                    said.lines.append(
                        "\(head.method) \(head.target) \(head.path) \(head.query ?? "-") \(head.version) "
                            + "\(head.framing) \(head.keepAlive) \(head.expectsContinue) \(head.host ?? "-")"
                    )
                    said.add(head.fields)
                case .body(let bytes):
                    precondition(!bytes.isEmpty)
                    said.body.append(contentsOf: bytes)
                case .end(let trailers): said.end(trailers)
                }
            }
            precondition(input.isEmpty, "stopped before the end of the input")
        }
        said.lines.append("between messages: \(decoder.isBetweenMessages), in a head: \(decoder.hasPartialHead)")
    } catch {
        said.error = error
    }
    return said
}

private func responses(
    _ pieces: [UnsafeRawBufferPointer],
    _ limits: HTTPLimits,
    to method: HTTPMethod
) -> Transcript {
    var decoder = ResponseDecoder(limits: limits)
    decoder.expect(responseTo: method)
    var said = Transcript()
    do throws(HTTPParseError) {
        for piece in pieces {
            var input = piece
            while let event = try decoder.next(&input) { said.add(event) }
            said.rest += input.count
            precondition(input.isEmpty || decoder.isBetweenMessages, "stopped before the end of the input")
        }
        while let event = try decoder.finish() { said.add(event) }
    } catch {
        said.error = error
    }
    return said
}

extension Transcript {
    fileprivate mutating func add(_ event: ResponseDecoder.Event) {
        switch event {
        case .informational(let head): lines.append("informational \(head.status)")
        case .head(let head):
            lines.append("\(head.version) \(head.status) \(head.reason) \(head.framing) \(head.keepAlive)")
            add(head.fields)
        case .body(let bytes):
            precondition(!bytes.isEmpty)
            body.append(contentsOf: bytes)
        case .end(let trailers): end(trailers)
        }
    }
}
