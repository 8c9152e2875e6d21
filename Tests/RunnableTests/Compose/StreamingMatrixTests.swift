import Runnable
import Testing

/// Which runnables stream through, and what stopping does: `langserve-protocol.md` 4.5, 4.13.
@Suite(.timeLimit(.minutes(1)))
struct StreamingMatrixTests {
    /// A row of the matrix: whether a runnable works on input that is still coming, and into how many chunks it turns three.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let isIncremental: Bool
        let chunks: [RunValue]
        let runnable: ValueRunnable
        var input: [RunValue] = ["a", "b", "c"]
        var testDescription: String { name }
    }

    private static let upper = RunnableGenerator<RunValue, RunValue, RunValue, RunValue> { input in
        input.mapElements { if case .value(.string(let text)) = $0 { .string(text.uppercased()) } else { $0 } }
    }

    private static let objects: [RunValue] = [["k": "a"], ["k": "b"], ["k": "c"]]

    private struct Model: ChatModel {
        func ainvoke(_ input: ChatPrompt, config: RunConfig) async throws -> Message { .ai("hi there") }

        func astream(_ input: ChatPrompt, config: RunConfig) -> RunStream<MessageChunk> {
            .elements([MessageChunk(text: "hi"), MessageChunk(text: " there")])
        }
    }

    static let rows: [Row] = [
        Row(name: "generator", isIncremental: true, chunks: ["A", "B", "C"], runnable: upper.erased),
        Row(
            name: "passthrough",
            isIncremental: true,
            chunks: ["a", "b", "c"],
            runnable: RunnablePassthrough<RunValue, RunValue>().erased
        ),
        Row(
            name: "pick",
            isIncremental: true,
            chunks: ["a", "b", "c"],
            runnable: RunnablePick("k").erased,
            input: objects
        ),
        Row(
            name: "assign",
            isIncremental: true,
            chunks: objects + [["x": 1]],
            runnable: RunnableAssign("x", valueLambda("x") { _ in 1 }).erased,
            input: objects
        ),
        Row(
            name: "parallel",
            isIncremental: true,
            chunks: [["p": "A"], ["p": "B"], ["p": "C"]],
            runnable: RunnableParallel(("p", upper)).erased
        ),
        Row(name: "sequence", isIncremental: true, chunks: ["A", "B", "C"], runnable: (upper | upper).erased),
        Row(
            name: "binding",
            isIncremental: true,
            chunks: ["A", "B", "C"],
            runnable: upper.withConfig(RunConfig(tags: ["t"])).erased
        ),
        Row(
            name: "chat model",
            isIncremental: false,
            chunks: ["hi", " there"],
            runnable: (RunnableLambda { (_: RunValue) in ChatPrompt("x") } | Model()
                | RunnableGenerator<Message, MessageChunk, RunValue, RunValue>(transforming: { input, _ in
                    input.mapElements { .string($0.content.text) }
                })).erased
        ),
        Row(name: "lambda", isIncremental: false, chunks: ["abc"], runnable: valueLambda("same") { $0 }),
        Row(
            name: "lambda returning a runnable",
            isIncremental: false,
            chunks: ["a", "b", "c"],
            runnable: RunnableChoosing { (_: RunValue) in valueG }.erased
        ),
        Row(
            name: "branch",
            isIncremental: false,
            chunks: ["a", "b", "c"],
            runnable: RunnableBranch(.when({ (_: RunValue) in true }, valueG), default: valueG).erased
        ),
        Row(
            name: "router",
            isIncremental: false,
            chunks: ["a", "b", "c"],
            runnable: RunnableRouter<RunValue, RunValue, RunValue>(["g": valueG]).erased,
            input: [["key": "g"], ["input": 1]]
        ),
        Row(
            name: "map",
            isIncremental: false,
            chunks: [[1, 2]],
            runnable: valueLambda("same") { $0 }.mapValues(),
            input: [[1], [2]]
        ),
    ]

    @Test("LS-115 who consumes and emits piece by piece, and who needs the whole", arguments: rows)
    func row(row: Row) async throws {
        let pulled = Notes()
        let count = row.input.count
        let input = RunStream.elements(row.input).mapElements { piece in
            pulled.add("piece")
            return piece
        }
        var iterator = row.runnable.atransform(input).makeAsyncIterator()
        var chunks: [RunValue] = []
        chunks.append(try #require(try await iterator.next()))
        if row.isIncremental {
            // One branch in a task of its own may be one piece ahead.
            #expect(pulled.all.count <= 2 && pulled.all.count < count)
        } else {
            #expect(pulled.all.count == count)
        }
        while let chunk = try await iterator.next() { chunks.append(chunk) }
        #expect(chunks == row.chunks)
        #expect(try await onThread { try row.runnable.transform(RunSequence.of(row.input)).collect() } == row.chunks)
    }

    @Test("LS-115 the sequences of 4.5")
    func sequences() async throws {
        let upper = RunnableLambda { (text: String) in text.uppercased() }
        #expect(try await collect((makeG() | makeU()).astream("x")) == ["A", "B", "C"])
        #expect(try await onThread { try (makeG() | makeU()).stream("x").collect() } == ["A", "B", "C"])
        #expect(try await collect((makeG() | upper).astream("x")) == ["ABC"])
        let branch = RunnableBranch(.when({ (_: String) in true }, makeU()), default: makeU())
        #expect(try await collect((makeG() | branch).astream("x")) == ["ABC"])
    }

    @Test("LS-116 one chunk goes through all stages before the next is produced")
    func interleaving() async throws {
        let notes = Notes()
        let produce = RunnableGenerator<Int, Int, Int, Int> { _ in
            Tap().stream(3).mapElements {
                notes.add("prod\($0)")
                return $0
            }
        }
        let consume = RunnableGenerator<Int, Int, Int, Int> { input in
            input.mapElements {
                notes.add("cons\($0)")
                return $0
            }
        }
        var iterator = (produce | consume).astream(0).makeAsyncIterator()
        _ = try await iterator.next()
        #expect(notes.all == ["prod0", "cons0"])
        while try await iterator.next() != nil {}
        #expect(notes.all == ["prod0", "cons0", "prod1", "cons1", "prod2", "cons2"])
    }

    @Test("LS-116 LS-117 in a nested pipeline a bounded number is produced ahead, and stopping cancels the source")
    func earlyStop() async throws {
        let tap = Tap()
        let source = RunnableGenerator<RunValue, RunValue, RunValue, RunValue> { _ in
            tap.stream().mapElements { RunValue("k", .value(.integer($0))) }
        }
        let parallel = RunnableParallel(("a", RunnablePick("k")), ("b", RunnablePassthrough<RunValue, RunValue>()))
        let chain = source | RunnablePassthrough<RunValue, RunValue>() | parallel | RunnablePick(["a", "b"])
        var taken = 0
        for try await _ in chain.astream(nil) {
            taken += 1
            if taken == 3 { break }
        }
        await tap.isCancelled.wait()
        #expect(tap.cancelled == 1 && tap.pulled <= 3 + 3)
    }

    @Test("LS-117 the blocking form, too")
    func blockingEarlyStop() async throws {
        let tap = Tap()
        let source = RunnableGenerator<Int, Int, Int, Int> { _ in tap.stream() }
        let chain = source | RunnablePassthrough<Int, Int>()
        let first = try await onThread {
            var iterator = chain.stream(0).makeIterator()
            return try iterator.next()
        }
        #expect(first == 0)
        await tap.isCancelled.wait()
        #expect(tap.cancelled == 1 && tap.pulled <= 2)
    }

    @Test("LS-117 cancelling the task that iterates stops the source")
    func cancelledTask() async throws {
        let tap = Tap()
        let isRunning = Gate()
        let source = RunnableGenerator<Int, Int, Int, Int> { _ in
            tap.stream().mapElements { number in
                guard number == 1 else { return number }
                isRunning.open()
                try await Gate.waitForCancellation()
                return number
            }
        }
        let parallel = RunnableParallel(("a", source | RunnablePassthrough<Int, Int>()))
        let task = Task { try await collect(parallel.astream(0)) }
        await isRunning.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(tap.pulled == 2)
    }
}

extension RunSequence {
    /// A sequence of elements that are there already.
    static func of(_ elements: [Element]) -> RunSequence {
        RunSequence {
            var iterator = elements.makeIterator()
            return { iterator.next() }
        }
    }
}
