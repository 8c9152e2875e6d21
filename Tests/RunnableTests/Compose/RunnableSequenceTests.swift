import Runnable
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RunnableSequenceTests {
    private let increment = RunnableLambda(name: "L1") { (input: Int) in input + 1 }
    private let double = RunnableLambda(name: "L2") { (input: Int) in 2 * input }

    private struct Words: ChatModel {
        func ainvoke(_ input: ChatPrompt, config: RunConfig) async throws -> Message {
            try await Message(adding: astream(input, config: config))
        }

        func astream(_ input: ChatPrompt, config: RunConfig) -> RunStream<MessageChunk> {
            .elements(["hi", " ", "there"].map { MessageChunk(text: $0) })
        }
    }

    private func elements<Element>(_ stream: RunStream<Element>) async throws -> [Element] {
        var all: [Element] = []
        for try await element in stream { all.append(element) }
        return all
    }

    @Test("a sequence hands on what each step makes, in all methods")
    func methods() async throws {
        let sequence = increment | double
        #expect(try sequence.invoke(1) == 4)
        #expect(try await sequence.ainvoke(1) == 4)
        #expect(try await elements(sequence.astream(1)) == [4])
        #expect(try await sequence.abatch([1, 2, 3]) == [4, 6, 8])
        #expect(try await onThread { try sequence.batch([1, 2, 3]) } == [4, 6, 8])
        #expect(try await onThread { try sequence.stream(1).collect() } == [4])
        #expect(try await elements(sequence.atransform(.elements([1, 2]))) == [8])
    }

    @Test("pieces of messages are added up for a step that wants the whole")
    func wholeOfPieces() async throws {
        let length = RunnableLambda { (message: Message) in message.content.text }
        let sequence = RunnableLambda { (text: String) in ChatPrompt(text) } | Words() | length
        #expect(try await elements(sequence.astream("x")) == ["hi there"])
        #expect(try await sequence.ainvoke("x") == "hi there")
    }

    @Test("LS-138 events of a sequence come in the order of langserve-protocol.md 4.4")
    func events() async throws {
        let log = EventLog()
        var config = RunConfig().observed(by: log)
        config.runName = "R"
        #expect(try await elements((increment | double).astream(1, config: config)) == [4])
        #expect(
            log.lines == [
                "R start 1", "L1 start", "L1 stream 2", "L2 start", "L1 end 2 of 1", "L2 stream 4", "R stream 4",
                "L2 end 4 of 2", "R end 4 of 1",
            ]
        )
        let root = log.all[0].runID
        #expect(log.all[1].parentIDs == [root] && log.all[0].parentIDs.isEmpty)
        #expect(log.all[1].tags == ["seq:step:1"] && log.all[3].tags == ["seq:step:2"])
    }

    @Test("a model inside is reported with its kind and every piece")
    func modelEvents() async throws {
        let log = EventLog()
        let sequence = RunnableLambda(name: "P") { (text: String) in ChatPrompt(text) } | Words()
        _ = try await sequence.ainvoke("x", config: RunConfig().observed(by: log))
        #expect(log.all.filter { $0.kind == .chatModel }.map(\.name) == Array(repeating: "Words", count: 5))
        #expect(log.lines.last == "RunnableSequence end hi there of \"x\"")
    }
}
