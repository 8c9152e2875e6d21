/// Arguments of one call. Behind one pointer, because almost no call has any.
final class CallArguments: Sendable {
    let values: Value.Object

    init(_ values: Value.Object) { self.values = values }
}

extension RunConfig {
    /// Named values for the runnable that is called, beside its input, such as `stop` for a model: LangChain's keyword arguments.
    /// Default none. They mean what the runnable says they mean; most read none.
    ///
    /// They belong to this one call: a child's config has none. A sequence hands them to its first step, a branch to the arm it takes, a
    /// list's runnable to its items; bindings and routers pass them on.
    public var arguments: Value.Object {
        get { callArguments?.values ?? [:] }
        set { callArguments = newValue.isEmpty ? nil : CallArguments(newValue) }
    }

    /// The config with `bound` below its own arguments, which win.
    func withArguments(under bound: Value.Object) -> RunConfig {
        var copy = self
        copy.arguments = bound.overlaid(with: arguments)
        return copy
    }

    /// As ``child(step:)``, for a child that the call's arguments are meant for.
    func childWithArguments(step: RunStep? = nil) -> RunConfig {
        var child = child(step: step)
        child.callArguments = callArguments
        return child
    }
}

extension Value.Object {
    /// The members of both; of equal keys the other's value, at this one's place.
    func overlaid(with other: Value.Object) -> Value.Object {
        var copy = self
        for member in other { copy[member.key] = member.value }
        return copy
    }
}
