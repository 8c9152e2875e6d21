/// A runnable that is made anew for a call that sets some of its fields. Made with ``Runnable/configurableFields(_:_:)``.
///
/// Other calls are not affected. Has no run of its own; streams, blocks, cancels and retries as the runnable that was made.
public struct RunnableConfigurableFields<Base: Runnable>: SelectingRunnable {
    /// What the runnable inside takes.
    public typealias Input = Base.Input
    /// What the runnable inside takes in pieces.
    public typealias InputChunk = Base.InputChunk
    /// What the runnable inside makes.
    public typealias Output = Base.Output
    /// What the runnable inside streams.
    public typealias Chunk = Base.Chunk

    let base: Base.Erased
    let fields: [ConfigurableField]
    let make: @Sendable (Value.Object) throws -> Base.Erased

    /// The name of the runnable inside.
    public var name: String { base.name }

    /// The kind of the runnable inside.
    public var kind: RunKind { base.kind }

    /// Its fields, then those of the runnable inside.
    public var configurableSpecs: [ConfigurableField] {
        fields + base.configurableSpecs.filter { spec in !fields.contains { $0.id == spec.id } }
    }

    /// The runnable inside when the call sets no field, else one that is made for the call.
    public func selected(for config: RunConfig) throws -> (runnable: Base.Erased, config: RunConfig) {
        guard fields.contains(where: { config.configurable[$0.id] != nil }) else { return (base, config) }
        var values = Value.Object()
        for field in fields {
            if let value = config.configurable[field.id] {
                try field.check(value)
                values[field.id] = value
            } else {
                values[field.id] = field.defaultValue
            }
        }
        return (try make(values), config)
    }
}

extension Runnable {
    /// This, but made anew for calls that set any of `fields`. See ``RunnableConfigurableFields``.
    /// - Parameters:
    ///   - fields: what can be set. A value of another kind fails the call with `caller_invalid`, status 422.
    ///   - make: makes the runnable of a call from the values of all fields that are set or have a default.
    public func configurableFields<Made: Runnable>(
        _ fields: [ConfigurableField],
        _ make: @escaping @Sendable (Value.Object) throws -> Made
    ) -> RunnableConfigurableFields<Self>
    where Made.Input == Input, Made.InputChunk == InputChunk, Made.Output == Output, Made.Chunk == Chunk {
        RunnableConfigurableFields(base: erased, fields: fields) { try make($0).erased }
    }
}
