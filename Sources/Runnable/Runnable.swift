/// Anything that turns an input into an output: a model, a prompt, a chain of them.
///
/// LangChain's contract in Swift. A type implements ``invoke(_:config:)`` and gets the other methods; it brings its own
/// versions of those it can do better. A type that is natively asynchronous conforms to ``AsyncRunnable`` instead.
///
/// Methods whose names begin with `a` are asynchronous, run on the caller's executor and honour the cancellation of the
/// caller's task; the others block the calling thread and must not be called on an event loop's thread.
public protocol Runnable<Input, Output>: Sendable {
    /// What it takes.
    associatedtype Input: Sendable
    /// What it makes.
    associatedtype Output: Sendable
    /// What it streams. Equal to the output unless the type says otherwise; chunks add up to the output.
    associatedtype Chunk: Sendable = Output
    /// What it can take its input in. Equal to the input unless the type says otherwise, as those do that work on pieces as
    /// they come.
    associatedtype InputChunk: Sendable = Input

    /// What runs of it are called. Default: the type's name.
    var name: String { get }

    /// What sort of thing it is, for events. Default ``RunKind/chain``, ``RunKind/chatModel`` for a ``ChatModel``.
    var kind: RunKind { get }

    /// The fields of it, and of what is inside it, that ``RunConfig/configurable`` can set. Default: none.
    var configurableSpecs: [ConfigurableField] { get }

    /// Whether ``invoke(_:config:)`` neither blocks nor waits for anything, so that asynchronous callers may call it in place. Default
    /// false.
    var isImmediate: Bool { get }

    /// Turns `input` into an output, blocking the calling thread until it is done.
    /// - Throws: whatever the work throws; nothing is wrapped.
    func invoke(_ input: Input, config: RunConfig) throws -> Output

    /// Turns `input` into an output without blocking.
    ///
    /// Default: runs ``invoke(_:config:)`` on `WorkerPool.shared`, with the surrounding run's config. Work that still
    /// waits for a thread is dropped when the task is cancelled; work that has begun is awaited.
    /// - Throws: what `invoke` throws; `CancellationError`; ``RunError`` `timeout_total` when the deadline passed before the
    ///   work began, `policy_queue` when the pool's queue is full.
    func ainvoke(_ input: Input, config: RunConfig) async throws -> Output

    /// The output in pieces, each computed when it is asked for, blocking the thread that asks.
    ///
    /// Default, when `Chunk` is `Output`: one piece, what ``invoke(_:config:)`` returns. Dropping the iterator stops the work.
    func stream(_ input: Input, config: RunConfig) -> RunSequence<Chunk>

    /// The output in pieces, each computed when it is asked for, on the executor of whoever iterates.
    ///
    /// Default, when `Chunk` is `Output`: one piece, what ``ainvoke(_:config:)`` returns. Dropping the iterator or cancelling the
    /// task that iterates stops the work.
    func astream(_ input: Input, config: RunConfig) -> RunStream<Chunk>

    /// The output in pieces, made from an input that comes in pieces, blocking the thread that asks.
    ///
    /// Default: adds the whole input up (of pieces that cannot be added the last one counts) and streams its output. No input, no
    /// output.
    func transform(_ input: RunSequence<InputChunk>, config: RunConfig) -> RunSequence<Chunk>

    /// The output in pieces, made from an input that comes in pieces, on the executor of whoever iterates.
    ///
    /// Default: adds the whole input up (of pieces that cannot be added the last one counts) and streams its output. No input, no
    /// output. Dropping the iterator stops this work and that of the input.
    func atransform(_ input: RunStream<InputChunk>, config: RunConfig) -> RunStream<Chunk>

    /// The outputs of many inputs, in input order, blocking the calling thread until all are done.
    ///
    /// Default: runs ``invoke(_:config:)`` on the calling thread and on threads made for this call, as many in all as the first
    /// config's ``RunConfig/maxConcurrency``, or min(32, cores + 4). One input runs on the calling thread.
    ///
    /// When an input fails, no further one is begun; what runs is awaited, the later of it with
    /// ``RunConfig/checkpoint()`` throwing. The error thrown is that of the failed input with the lowest index, whatever
    /// the timing. A deadline that passes fails the inputs that have not begun.
    /// - Throws: that error; ``RunError`` `caller_invalid` before anything runs when the number of configs is not that of
    ///   inputs or `maxConcurrency` is below 1; `CancellationError`.
    func batch(_ inputs: [Input], configs: BatchConfig) throws -> [Output]

    /// As ``batch(_:configs:)``, but an input's error takes its place among the results and disturbs no other:
    /// LangChain's `return_exceptions`. A cancellation is no result: it stops the batch and is thrown.
    func batchResults(_ inputs: [Input], configs: BatchConfig) throws -> [Result<Output, any Error>]

    /// The outputs of many inputs, in input order, without blocking.
    ///
    /// Default: runs ``ainvoke(_:config:)`` in child tasks of the caller's, at most the first config's
    /// ``RunConfig/maxConcurrency`` at once; without it, all at once. They inherit the caller's executor preference.
    ///
    /// When an input fails, no further one is begun, the later ones that run are cancelled and all are awaited. The error
    /// thrown is that of the failed input with the lowest index, whatever the timing. Cancelling the caller cancels
    /// all. A deadline that passes fails the inputs that have not begun.
    /// - Throws: as ``batch(_:configs:)``.
    func abatch(_ inputs: [Input], configs: BatchConfig) async throws -> [Output]

    /// As ``abatch(_:configs:)``, but an input's error takes its place among the results and disturbs no other:
    /// LangChain's `return_exceptions`. A cancellation is no result: it stops the batch and is thrown.
    func abatchResults(_ inputs: [Input], configs: BatchConfig) async throws -> [Result<Output, any Error>]

    /// The outcomes of many inputs in the order they complete, blocking the thread that asks for the next one.
    ///
    /// Default: runs as ``batch(_:configs:)`` does, on threads of its own, from the first element on. Dropping the
    /// iterator keeps further inputs from beginning.
    /// - Parameter returnExceptions: whether an input's error is an element; otherwise the first one to happen ends the
    ///   iteration, after what runs was awaited.
    func batchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunSequence<BatchItem<Output>>

    /// The outcomes of many inputs in the order they complete.
    ///
    /// Default: runs as ``abatch(_:configs:)`` does, from the first element on, but in a task of its own, which prefers the
    /// executor of the task that iterates. An input is begun when an earlier one's outcome was taken. Dropping
    /// the iterator or cancelling the task that iterates cancels what runs.
    /// - Parameter returnExceptions: whether an input's error is an element; otherwise the first one to happen ends the
    ///   iteration, after the rest was cancelled and awaited.
    func abatchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool
    ) -> RunStream<BatchItem<Output>>

    /// Calls `body` with the outcome of each input as it completes: the structured form, in which all inputs run in child
    /// tasks of the caller's and have ended when this returns or throws. `body` runs on the caller's executor.
    /// - Parameters:
    ///   - returnExceptions: whether an input's error is an outcome; otherwise the first one to happen is thrown, after
    ///     the rest was cancelled and awaited.
    ///   - body: no input is begun while it runs. Its error cancels the batch and is thrown.
    func abatchAsCompleted(
        _ inputs: [Input],
        configs: BatchConfig,
        returnExceptions: Bool,
        forEach body: (BatchItem<Output>) async throws -> Void
    ) async throws
}
