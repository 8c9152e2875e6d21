import Runnable
import Testing

@Suite
struct MessageRunValueTests {
    @Test("messages from objects keep what they have on the wire")
    func objects() throws {
        var call = Message(role: .ai, content: "", id: "m1")
        call.toolCalls = [ToolCall(name: "w", arguments: ["city": "Paris"], id: "c1")]
        call.additionalKwargs = ["k": 1]
        #expect(
            Message([
                "type": "ai", "content": "", "id": "m1", "additional_kwargs": ["k": 1],
                "tool_calls": [["name": "w", "args": ["city": "Paris"], "id": "c1", "type": "tool_call"]],
            ]) == call
        )
        var result = Message.tool("21", callID: "c1")
        result.toolStatus = .error
        #expect(Message(["role": "tool", "content": "21", "tool_call_id": "c1", "status": "error"]) == result)
        var chat = Message(role: .chat, content: .blocks([["type": "text", "text": "x"]]))
        chat.chatRole = "moderator"
        #expect(
            Message(["type": "chat", "role": "moderator", "content": [["type": "text", "text": "x"]]]) == chat
        )
        var named = Message.human("x")
        named.name = "Ann"
        #expect(Message(["role": "user", "content": "x", "name": "Ann"]) == named)
        #expect(Message(["type": "AIMessageChunk", "content": "x"]) == .ai("x"))
        #expect(Message(["human", [["type": "text", "text": "x"]]])?.content.text == "x")
    }

    @Test(
        "what is no message is none",
        arguments: [
            ["type": "tool", "content": "x"], ["type": "function", "content": "x"], ["type": "chat", "content": "x"],
            ["type": "ai", "content": "", "tool_calls": [["name": "w"]]], ["type": "ai"], ["content": "x"], 1, nil,
            ["user", 1], ["chat", "x"], ["type": "ai", "content": 1], .prompt(ChatPrompt("x")),
        ] as [RunValue]
    )
    func refusing(_ value: RunValue) { #expect(Message(value) == nil) }

    @Test("prompts from texts, messages, lists and objects")
    func prompts() {
        #expect(ChatPrompt("hi" as RunValue) == ChatPrompt("hi"))
        #expect(ChatPrompt(["hi"] as RunValue) == ChatPrompt(messages: [.human("hi")]))
        #expect(ChatPrompt(["text": "hi"] as RunValue) == ChatPrompt("hi"))
        #expect(ChatPrompt(["messages": [["ai", "x"]]] as RunValue) == ChatPrompt(messages: [.ai("x")]))
        for value: RunValue in [[], 1, nil, ["x": 1], ["messages": []], ["messages": "x"]] {
            #expect(ChatPrompt(value) == nil)
        }
    }
}
