import Runnable

extension MockScript.Tool {
    /// The id of every scripted call.
    public static let callID = "call_mock_0"

    /// The arguments in the pieces they stream in.
    public var tokens: MockTokens { MockTokens(text: arguments, pieceBytes: 8) }

    /// Adds the whole call to an answer: to the invalid ones when the arguments are not a JSON object.
    func add(to message: inout Message) {
        var chunk = MessageChunk()
        chunk.toolCallChunks = [
            ToolCallChunk(name: name, arguments: arguments, id: MockScript.Tool.callID, index: 0)
        ]
        (message.toolCalls, message.invalidToolCalls) = chunk.parsedToolCalls()
    }
}
