extension MessageContent: AddableChunk {
    /// Adds content that came later: text concatenates; lists merge elements with an equal integer `index`; text and a
    /// list give a list. Empty text adds no element to a list.
    public mutating func add(_ next: MessageContent) throws(ChunkAdditionError) {
        switch (self, next) {
        case (.text(var text), .text(let more)):
            self = .blocks([])  // gives up this one's reference, so the text grows in place
            text.append(more)
            self = .text(text)
        case (.text(let text), .blocks(let more)):
            self = .blocks(text.isEmpty ? more : [.string(text)] + more)
        case (.blocks(var blocks), .text(let more)):
            guard !more.isEmpty else { return }
            if case .string(let last)? = blocks.last {
                blocks[blocks.count - 1] = .string(last + more)
            } else {
                blocks.append(.string(more))
            }
            self = .blocks(blocks)
        case (.blocks(var blocks), .blocks(let more)):
            try Value.merge(more, into: &blocks)
            self = .blocks(blocks)
        }
    }
}
