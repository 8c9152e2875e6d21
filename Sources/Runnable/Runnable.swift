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

    /// What runs of it are called. Default: the type's name.
    var name: String { get }

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
}
