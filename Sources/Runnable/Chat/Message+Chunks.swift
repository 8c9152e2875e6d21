extension Message {
    /// The message that chunks added up to.
    ///
    /// Tool calls are read from their pieces: arguments that are a JSON object make a tool call (no arguments at all
    /// make an empty object); anything else makes an invalid one that keeps the text.
    public init(_ sum: MessageChunk) {
        self.init(role: sum.role, content: sum.content, id: sum.id)
        guard !sum.isPlain else { return }
        additionalKwargs = sum.additionalKwargs
        responseMetadata = sum.responseMetadata
        name = sum.name
        usage = sum.usage
        toolCallID = sum.toolCallID
        chatRole = sum.chatRole
        (toolCalls, invalidToolCalls) = sum.parsedToolCalls()
    }

    /// Adds a stream's chunks up to its end. Runs on the caller's executor.
    /// - Throws: what the stream throws, and ``ChunkAdditionError``.
    public init(adding stream: RunStream<MessageChunk>) async throws {
        var sum: MessageChunk?
        for try await chunk in stream {
            if sum == nil { sum = chunk } else { try sum?.add(chunk) }
        }
        self.init(sum ?? MessageChunk())
    }
}

extension MessageChunk {
    /// What the pieces of tool calls read as when nothing follows: those that are whole and those that are not.
    public func parsedToolCalls() -> (valid: [ToolCall], invalid: [InvalidToolCall]) {
        var valid: [ToolCall] = []
        var invalid: [InvalidToolCall] = []
        for piece in toolCallChunks {
            let text = piece.arguments ?? ""
            if text.isEmpty {
                valid.append(ToolCall(name: piece.name ?? "", arguments: [:], id: piece.id))
                continue
            }
            do {
                guard case .object(let arguments) = try Value(parsing: text) else {
                    invalid.append(.init(piece, error: "the arguments are not an object"))
                    continue
                }
                valid.append(ToolCall(name: piece.name ?? "", arguments: arguments, id: piece.id))
            } catch {
                invalid.append(.init(piece, error: "the arguments are not JSON: \(error)"))
            }
        }
        return (valid, invalid)
    }
}

extension InvalidToolCall {
    fileprivate init(_ piece: ToolCallChunk, error: String) {
        self.init(name: piece.name, arguments: piece.arguments, id: piece.id, error: error)
    }
}
