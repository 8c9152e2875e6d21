/// A runnable that is only ever given whole inputs, whatever pieces it can take them in.
struct WholeInputRunnable<Input: Sendable, Output: Sendable, Chunk: Sendable>: Sendable {
    let configurableSpecs: [ConfigurableField]
    let invoke: @Sendable (Input, RunConfig) throws -> Output
    let ainvoke: @Sendable (Input, RunConfig) async throws -> Output
    let stream: @Sendable (Input, RunConfig) -> RunSequence<Chunk>
    let astream: @Sendable (Input, RunConfig) -> RunStream<Chunk>

    init<R: Runnable>(_ runnable: R) where R.Input == Input, R.Output == Output, R.Chunk == Chunk {
        let runnable = runnable.erased
        configurableSpecs = runnable.configurableSpecs
        invoke = { try runnable.invoke($0, config: $1) }
        ainvoke = { try await runnable.ainvoke($0, config: $1) }
        stream = { runnable.stream($0, config: $1) }
        astream = { runnable.astream($0, config: $1) }
    }
}
