/// Runnables of any output under their keys, in order, for input whose pieces have its own type: `RunnableParallel(("a", x), ("b", y))`.
///
/// For other input, or more of them, there is `RunnableParallel<Message, MessageChunk>().adding("a", x).adding("b", y)`.
extension RunnableParallel where InputChunk == Input {
    /// One branch.
    public init<A: Runnable>(_ a: (String, A))
    where A.Input == Input {
        self = RunnableParallel().adding(a.0, a.1)
    }

    /// Two branches.
    public init<A: Runnable, B: Runnable>(_ a: (String, A), _ b: (String, B))
    where A.Input == Input, B.Input == Input {
        self = RunnableParallel().adding(a.0, a.1).adding(b.0, b.1)
    }

    /// Three branches.
    public init<A: Runnable, B: Runnable, C: Runnable>(_ a: (String, A), _ b: (String, B), _ c: (String, C))
    where A.Input == Input, B.Input == Input, C.Input == Input {
        self = RunnableParallel().adding(a.0, a.1).adding(b.0, b.1).adding(c.0, c.1)
    }

    /// Four branches.
    public init<A: Runnable, B: Runnable, C: Runnable, D: Runnable>(
        _ a: (String, A),
        _ b: (String, B),
        _ c: (String, C),
        _ d: (String, D)
    )
    where A.Input == Input, B.Input == Input, C.Input == Input, D.Input == Input {
        self = RunnableParallel().adding(a.0, a.1).adding(b.0, b.1).adding(c.0, c.1).adding(d.0, d.1)
    }

    /// Five branches.
    public init<A: Runnable, B: Runnable, C: Runnable, D: Runnable, E: Runnable>(
        _ a: (String, A),
        _ b: (String, B),
        _ c: (String, C),
        _ d: (String, D),
        _ e: (String, E)
    )
    where A.Input == Input, B.Input == Input, C.Input == Input, D.Input == Input, E.Input == Input {
        self = RunnableParallel().adding(a.0, a.1).adding(b.0, b.1).adding(c.0, c.1).adding(d.0, d.1).adding(e.0, e.1)
    }

    /// Six branches.
    public init<A: Runnable, B: Runnable, C: Runnable, D: Runnable, E: Runnable, F: Runnable>(
        _ a: (String, A),
        _ b: (String, B),
        _ c: (String, C),
        _ d: (String, D),
        _ e: (String, E),
        _ f: (String, F)
    )
    where A.Input == Input, B.Input == Input, C.Input == Input, D.Input == Input, E.Input == Input, F.Input == Input {
        self = RunnableParallel().adding(a.0, a.1).adding(b.0, b.1).adding(c.0, c.1).adding(d.0, d.1).adding(e.0, e.1)
            .adding(f.0, f.1)
    }
}

extension RunnableParallel: ExpressibleByDictionaryLiteral {
    /// The literal's branches in its order, each made with ``Runnable/valued``.
    public init(dictionaryLiteral elements: (String, Branch)...) { self.init(branches: elements) }
}

/// A runnable and then branches on its output: `chain | ["a": x.valued, "b": y.valued]`.
public func | <First: Runnable>(
    first: First,
    branches: RunnableParallel<First.Output, First.Output>
) -> RunnableSequence<First.Input, First.InputChunk, RunValue, RunValue> {
    func join<Second: Runnable>(
        _ second: Second
    ) -> RunnableSequence<First.Input, First.InputChunk, Second.Output, Second.Chunk>
    where Second.Input == First.Output {
        first | second
    }
    return join(branches)
}
