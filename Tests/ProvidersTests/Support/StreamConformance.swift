import Runnable
import Testing

/// What a dialect's decoder must offer to be checked here.
protocol StreamDecoding: AnyObject {
    /// Whether the end mark has come.
    var isComplete: Bool { get }
    /// Takes some bytes of the body.
    func feed(_ bytes: [UInt8])
    /// Says that the body ended as HTTP says it should.
    func finish()
    /// The next chunk, nil when there is none yet.
    func next() throws -> MessageChunk?
}

/// The checks every dialect's streams must pass, whatever their bytes look like.
struct StreamConformance {
    let makeDecoder: () -> any StreamDecoding

    /// All chunks of a body fed in these parts.
    func chunks(_ parts: [[UInt8]]) throws -> [MessageChunk] {
        let decoder = makeDecoder()
        var chunks: [MessageChunk] = []
        for part in parts {
            decoder.feed(part)
            while let chunk = try decoder.next() { chunks.append(chunk) }
        }
        decoder.finish()
        while let chunk = try decoder.next() { chunks.append(chunk) }
        return chunks
    }

    /// The body adds up to the expected message, and its chunks keep the rules of langserve-protocol.md 2.5.
    func checkSum(_ fixture: StreamFixture) throws {
        let chunks = try chunks([Array(fixture.body.utf8)])
        var sum = MessageChunk()
        for (place, chunk) in chunks.enumerated() {
            if place == 0 { sum = chunk } else { try sum.add(chunk) }
        }
        var message = Message(sum)
        for place in message.invalidToolCalls.indices { message.invalidToolCalls[place].error = nil }
        #expect(message == fixture.expected)
        #expect(chunks.filter(\.isLast).count == 1)
        #expect(chunks.last?.isLast == true)
        #expect(chunks.allSatisfy { $0.id == fixture.expected.id })
        for key in ["model_name", "finish_reason", "system_fingerprint"] {
            #expect(chunks.filter { $0.responseMetadata[key] != nil }.count <= 1)
        }
        #expect(chunks.filter { $0.usage != nil }.count <= 1)
        if let pieces = fixture.pieces { #expect(chunks.map(\.content.text) == pieces) }
    }

    /// G4: wherever the bytes are cut, the chunks are the same.
    func checkEverySplit(_ fixture: StreamFixture) throws {
        let bytes = Array(fixture.body.utf8)
        let whole = try chunks([bytes])
        for place in 1..<bytes.count {
            let split = try chunks([Array(bytes[..<place]), Array(bytes[place...])])
            guard split == whole else {
                Issue.record("cut at byte \(place)")
                return
            }
        }
        #expect(try chunks(bytes.map { [$0] }) == whole)
    }

    /// G1: a body that was cut is never complete before its end mark, and ends cleanly only with all of its content.
    func checkEveryCut(_ fixture: StreamFixture) throws {
        let bytes = Array(fixture.body.utf8)
        let content = try chunks([bytes]).filter { !$0.isLast }
        for place in 0..<bytes.count {
            let prefix = Array(bytes[..<place])
            let decoder = makeDecoder()
            decoder.feed(prefix)
            var cut: [MessageChunk] = []
            while let chunk = try decoder.next() { cut.append(chunk) }
            let ended = try? chunks([prefix])
            guard !cut.contains(where: \.isLast) || decoder.isComplete,
                ended.map({ $0.filter { !$0.isLast } == content && $0.last?.isLast == true }) ?? true
            else {
                Issue.record("cut at byte \(place)")
                return
            }
        }
    }
}
