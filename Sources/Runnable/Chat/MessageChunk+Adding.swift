extension MessageChunk: AddableChunk {
    /// Adds the chunk that came later (`langserve-protocol.md` 2.5), so that the sum of a stream is its message.
    ///
    /// Content and metadata merge as ``MessageContent`` and ``Value/Object/merge(_:)`` say; usage adds; pieces of tool
    /// calls with an equal index and no conflicting ids join. The id is the first of a provider's, else the first
    /// that begins with `lc_run-`, else the first. Throws when roles, tool call ids or types of metadata differ, and
    /// leaves the chunk unchanged then.
    public mutating func add(_ next: MessageChunk) throws(ChunkAdditionError) {
        guard role == next.role else {
            throw ChunkAdditionError(path: "type", reason: "cannot add \(next.role) to \(role)")
        }
        guard role != .chat || chatRole == next.chatRole else {
            throw ChunkAdditionError(path: "role", reason: "cannot add chunks of different roles")
        }
        let merged = next.isPlain ? nil : try mergedMetadata(with: next)
        do throws(ChunkAdditionError) { try content.add(next.content) } catch { throw error.under("content") }
        if let merged { addRareFields(of: next, merged) }
        if id != next.id { id = Self.betterID(id, next.id) }
        isLast = isLast || next.isLast
    }

    /// What can fail of the rare fields, done before anything changes.
    private func mergedMetadata(
        with next: MessageChunk
    ) throws(ChunkAdditionError) -> (additionalKwargs: Value.Object, responseMetadata: Value.Object) {
        if role == .tool, let left = toolCallID, let right = next.toolCallID, left != right {
            throw ChunkAdditionError(path: "tool_call_id", reason: "cannot add chunks of different tool calls")
        }
        var merged = (additionalKwargs: additionalKwargs, responseMetadata: responseMetadata)
        do throws(ChunkAdditionError) {
            try merged.additionalKwargs.merge(next.additionalKwargs)
        } catch { throw error.under("additional_kwargs") }
        do throws(ChunkAdditionError) {
            try merged.responseMetadata.merge(next.responseMetadata)
        } catch { throw error.under("response_metadata") }
        return merged
    }

    private mutating func addRareFields(
        of next: MessageChunk,
        _ merged: (additionalKwargs: Value.Object, responseMetadata: Value.Object)
    ) {
        var sum = rare?.fields ?? Fields()
        rare = nil  // so that the fields may be the only reference, and their text grows in place
        sum.additionalKwargs = merged.additionalKwargs
        sum.responseMetadata = merged.responseMetadata
        sum.name = sum.name ?? next.name
        sum.toolCallID = sum.toolCallID ?? next.toolCallID
        if let usage = next.usage {
            if sum.usage == nil { sum.usage = usage } else { sum.usage?.add(usage) }
        }
        for piece in next.toolCallChunks { ToolCallChunk.join(piece, to: &sum.toolCallChunks) }
        rare = Rare(sum)
    }

    private static func betterID(_ left: String?, _ right: String?) -> String? {
        rank(right) > rank(left) ? right : left
    }

    /// 3 for an id the provider gave, 2 for one made from a run's id, 1 for other made-up ones, 0 for none.
    private static func rank(_ id: String?) -> Int {
        guard let id, !id.isEmpty else { return 0 }
        if id.hasPrefix("lc_run-") { return 2 }
        return id.hasPrefix("lc_") ? 1 : 3
    }
}

extension ToolCallChunk {
    /// Joins a piece with the first of the same call, or appends it.
    static func join(_ piece: ToolCallChunk, to pieces: inout [ToolCallChunk]) {
        guard let index = piece.index,
            let place = pieces.firstIndex(where: { known in
                known.index == index && (known.hasNoID || piece.hasNoID || known.id == piece.id)
            })
        else {
            pieces.append(piece)
            return
        }
        if let name = piece.name { pieces[place].name = (pieces[place].name ?? "") + name }
        if let arguments = piece.arguments { pieces[place].arguments.appendText(arguments) }
        if pieces[place].hasNoID { pieces[place].id = piece.id ?? pieces[place].id }
    }

    /// Some servers say no id with an empty one.
    private var hasNoID: Bool { id?.isEmpty ?? true }
}

extension String? {
    fileprivate mutating func appendText(_ text: String) {
        if self == nil { self = text } else { self?.append(text) }
    }
}
