import EventLoop
import HTTP
import JSON
import Providers

/// Writes a response by hand: cut, split, stalled or framed wrongly. Lives in the handler's task.
///
/// Positions count bytes of the body, without its transfer coding; splits count bytes on the wire.
final class FaultyWire {
    /// The response has ended early, as it was meant to.
    struct Cut: Error {}

    private let script: MockScript
    private let response: ResponseWriter
    private let sleeper: LoopSleeper
    private let isChunked: Bool
    private let length: Int?
    private var head: (status: Int, fields: HTTPFields)?
    /// The whole body of a stream whose length has to be known first.
    private var collected: [UInt8]?
    private var bodyBytes = 0
    private var pieces = 0
    private let badPiece: Int

    /// - Parameter length: the body's; nil for a stream.
    init(_ script: MockScript, _ response: ResponseWriter, _ sleeper: LoopSleeper, length: Int?) {
        self.script = script
        self.response = response
        self.sleeper = sleeper
        self.length = length
        switch script.framing {
        case .proper: isChunked = length == nil
        case .both, .badChunk: isChunked = true
        case .close, .length, .longLength, .shortLength, .garbage: isChunked = false
        }
        switch script.framing {
        case .length, .longLength, .shortLength, .both: collected = length == nil ? [] : nil
        case .proper, .close, .badChunk, .garbage: collected = nil
        }
        badPiece = length == nil ? 1 : 0
    }

    func begin(status: Int, fields: HTTPFields) async throws {
        guard collected == nil else { return head = (status, fields) }
        try await sendHead(status, fields, length: length.map { properLength($0, tokenCut: 0) })
    }

    /// Sends a piece of the body, as a chunk of its own where there are chunks.
    ///
    /// - Throws: ``Cut`` when the response ends in this piece.
    func send(_ piece: [UInt8]) async throws {
        if collected != nil {
            collected?.append(contentsOf: piece)
        } else {
            try await sendPiece(piece)
        }
    }

    func end() async throws {
        if let body = collected.take(), let head {
            let length = properLength(body.count, tokenCut: body.count)
            try await sendHead(head.status, head.fields, length: length)
            try await sendPiece(body)
        }
        if isChunked { try await emit(Array("0\r\n\r\n".utf8)) }
    }

    /// Ends the response here.
    ///
    /// - Throws: ``Cut``, always.
    func cut() async throws {
        let ending = script.cut?.ending ?? .close
        if let body = collected.take(), let head {
            // What a cut at a token leaves of a body with a length: the length tells that something is missing.
            try await sendHead(head.status, head.fields, length: body.count + (ending == .end ? 0 : 1))
            try await sendPiece(body)
        }
        switch ending {
        case .close: break
        case .reset: response.resetsAfterwards = true
        case .end: if isChunked { try await emit(Array("0\r\n\r\n".utf8)) }
        }
        throw Cut()
    }

    // MARK: Bytes

    private func sendHead(_ status: Int, _ fields: HTTPFields, length: Int?) async throws {
        guard script.framing != .garbage else { return try await emit(Array("LLM 200 = fine\r\n\r\n".utf8)) }
        var bytes: [UInt8] = []
        HTTPEncoder.appendResponseHead(status: status, fields: fields, framing: .none, to: &bytes)
        bytes.removeLast(2)  // the end of the head, which goes on with whatever framing is wanted
        if let length, script.framing != .close, !isChunked || script.framing == .both {
            let error = script.framing == .longLength ? 10 : script.framing == .shortLength ? -min(10, length) : 0
            bytes.appendRaw("content-length: ")
            bytes.appendJSON(length + error)
            bytes.appendRaw("\r\n")
        }
        if isChunked { bytes.appendRaw("transfer-encoding: chunked\r\n") }
        bytes.appendRaw("connection: close\r\n\r\n")
        try await emit(bytes)
    }

    /// How long a body is that ends properly: one that does so early announces what it has. `tokenCut`: the length up to a cut
    /// at a token.
    private func properLength(_ length: Int, tokenCut: Int) -> Int {
        guard let cut = script.cut, cut.ending == .end else { return length }
        switch cut.position {
        case .byte(let byte): return min(byte, length)
        case .token: return tokenCut
        case .head: return length
        }
    }

    private func sendPiece(_ piece: [UInt8]) async throws {
        let start = bodyBytes
        bodyBytes += piece.count
        let cutAt = offset(of: script.cut?.position, from: start, count: piece.count)
        let stallAt = offset(of: script.stall?.position, from: start, count: piece.count)
        if let cutAt, cutAt == 0 { return try await cutHere(stallFirst: stallAt == 0) }
        let end = cutAt ?? piece.count
        var bytes: [UInt8] = []
        if isChunked { appendChunkSize(script.cut?.ending == .end ? end : piece.count, to: &bytes) }
        pieces += 1
        if let stallAt, stallAt <= end {
            bytes.append(contentsOf: piece[..<stallAt])
            try await emit(bytes)
            try await stall()
            bytes = Array(piece[stallAt..<end])
        } else {
            bytes.append(contentsOf: piece[..<end])
        }
        // A chunk that was sent to its last byte is whole, whatever follows.
        if isChunked, end == piece.count || script.cut?.ending == .end { bytes.appendRaw("\r\n") }
        try await emit(bytes)
        if cutAt != nil { try await cut() }
    }

    private func cutHere(stallFirst: Bool) async throws {
        if stallFirst { try await stall() }
        try await cut()
    }

    /// Where in a piece of `count` bytes a position of the body lies; nil when outside.
    private func offset(of position: MockScript.Position?, from start: Int, count: Int) -> Int? {
        guard case .byte(let byte)? = position, byte >= start, byte <= start + count else { return nil }
        // The end of a piece is where the next one begins: it counts once.
        return byte == start && start > 0 ? nil : byte - start
    }

    private func appendChunkSize(_ size: Int, to bytes: inout [UInt8]) {
        if script.framing == .badChunk && pieces == badPiece {
            bytes.appendRaw("many\r\n")
        } else {
            ChunkedEncoder.appendSize(size, to: &bytes)
        }
    }

    private func stall() async throws {
        try await sleeper.sleep(until: script.stall?.duration.map { .now + $0 } ?? .distantFuture)
    }

    /// Puts bytes on the wire, in as many writes as the script wants.
    private func emit(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        guard let split = script.split, split < bytes.count else {
            response.writeRaw(bytes)
            if script.split != nil { try await pause() }
            return try await response.drained()
        }
        for start in stride(from: 0, to: bytes.count, by: split) {
            response.writeRaw(Array(bytes[start..<min(start + split, bytes.count)]))
            try await pause()
        }
        try await response.drained()
    }

    private func pause() async throws {
        if script.splitPause > .zero { return try await sleeper.sleep(until: .now + script.splitPause) }
        await Task.yield()
        try Task.checkCancellation()
    }
}
