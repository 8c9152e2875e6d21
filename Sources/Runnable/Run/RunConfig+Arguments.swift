extension RunConfig {
    /// The config with `bound` below its own arguments, which win.
    func withArguments(under bound: Value.Object) -> RunConfig {
        var copy = self
        copy.arguments = bound.overlaid(with: arguments)
        return copy
    }

    /// As ``child(step:)``, for a child that the call's arguments are meant for.
    func childWithArguments(step: RunStep? = nil) -> RunConfig {
        var child = child(step: step)
        if hasArguments { child.arguments = arguments }
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
