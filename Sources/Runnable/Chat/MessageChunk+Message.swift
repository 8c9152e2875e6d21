extension MessageChunk {
    /// The whole message as one final chunk.
    ///
    /// Tool calls become pieces with their arguments as JSON text, indexed in order; invalid ones follow them.
    public init(whole message: Message) {
        self.init(role: message.role, content: message.content, id: message.id, isLast: true)
        if !message.additionalKwargs.isEmpty { additionalKwargs = message.additionalKwargs }
        if !message.responseMetadata.isEmpty { responseMetadata = message.responseMetadata }
        if message.name != nil { name = message.name }
        if message.usage != nil { usage = message.usage }
        if message.toolCallID != nil { toolCallID = message.toolCallID }
        if message.chatRole != nil { chatRole = message.chatRole }
        guard !message.toolCalls.isEmpty || !message.invalidToolCalls.isEmpty else { return }
        var pieces = message.toolCalls.map {
            ToolCallChunk(name: $0.name, arguments: Value.object($0.arguments).jsonText, id: $0.id, index: nil)
        }
        pieces += message.invalidToolCalls.map {
            ToolCallChunk(name: $0.name, arguments: $0.arguments, id: $0.id, index: nil)
        }
        for place in pieces.indices { pieces[place].index = place }
        toolCallChunks = pieces
    }
}
