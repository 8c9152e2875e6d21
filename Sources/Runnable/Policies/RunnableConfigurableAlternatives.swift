import WorkerPool

/// A runnable and others, of which each call's config says which one it wants. Made with
/// ``Runnable/configurableAlternatives(_:defaultKey:prefixKeys:_:)``.
///
/// Has no run of its own; streams, blocks, cancels and retries as the chosen one.
public struct RunnableConfigurableAlternatives<Base: Runnable>: SelectingRunnable {
    /// What the runnables inside take.
    public typealias Input = Base.Input
    /// What the runnables inside take in pieces.
    public typealias InputChunk = Base.InputChunk
    /// What the runnables inside make.
    public typealias Output = Base.Output
    /// What the runnables inside stream.
    public typealias Chunk = Base.Chunk

    let base: Base.Erased
    let which: ConfigurableField
    let defaultKey: String
    let prefixesKeys: Bool
    let alternatives: [(key: String, runnable: Lazy<Base.Erased>)]

    /// The name of the default one.
    public var name: String { base.name }

    /// The kind of the default one.
    public var kind: RunKind { base.kind }

    /// The choice, then the fields of the default one and of the alternatives, which are made for it.
    public var configurableSpecs: [ConfigurableField] {
        var specs = [which]
        var ids: Set<String> = [which.id]
        for (key, runnable) in [(defaultKey, base)] + alternatives.map({ ($0.key, $0.runnable.value) }) {
            for var spec in runnable.configurableSpecs {
                if prefixesKeys { spec.id = prefix(key) + spec.id }
                if ids.insert(spec.id).inserted { specs.append(spec) }
            }
        }
        return specs
    }

    private func prefix(_ key: String) -> String { "\(which.id)==\(key)/" }

    /// The one whose key the config has, with the config it understands.
    public func selected(for config: RunConfig) throws -> (runnable: Base.Erased, config: RunConfig) {
        let wanted = config.configurable[which.id]
        if let wanted { try which.check(wanted) }
        let key = wanted?.string ?? defaultKey
        var config = config
        if prefixesKeys {
            let prefix = prefix(key)
            for member in config.configurable where member.key.hasPrefix(prefix) {
                config.configurable[String(member.key.dropFirst(prefix.count))] = member.value
            }
        }
        let alternative = alternatives.first { $0.key == key }?.runnable.value
        return (alternative ?? base, config)
    }
}

extension Runnable {
    /// This, or what a call's config chooses instead. See ``RunnableConfigurableAlternatives``.
    /// - Parameters:
    ///   - id: the key in ``RunConfig/configurable`` whose value is the key of the one that is wanted. An unknown one fails the call
    ///     with `caller_invalid`, status 422.
    ///   - defaultKey: the key of this runnable, which is chosen when the config says nothing.
    ///   - prefixKeys: whether the fields of each one are called `id==key/field`, so that equal ones can be told apart. The bare
    ///     `field` works as well, for whichever is chosen.
    ///   - alternatives: each is made when it is wanted first, and kept.
    public func configurableAlternatives(
        _ id: String,
        defaultKey: String = "default",
        prefixKeys: Bool = false,
        _ alternatives: KeyValuePairs<String, @Sendable () -> Erased>
    ) -> RunnableConfigurableAlternatives<Self> {
        let keys = [defaultKey] + alternatives.map(\.key)
        return RunnableConfigurableAlternatives(
            base: erased,
            which: ConfigurableField(id, kind: .choice(keys), default: .string(defaultKey)),
            defaultKey: defaultKey,
            prefixesKeys: prefixKeys,
            alternatives: alternatives.map { ($0.key, Lazy($0.value)) }
        )
    }
}

/// A value that is made when it is asked for first.
final class Lazy<Made: Sendable>: Sendable {
    private let make: @Sendable () -> Made
    private let made = Locked<Made?>(nil)

    init(_ make: @escaping @Sendable () -> Made) { self.make = make }

    /// The value. Two threads that ask first may both make one; all get the same.
    var value: Made {
        if let known = made.withLock({ $0 }) { return known }
        let new = make()
        return made.withLock { known in
            let kept = known ?? new
            known = kept
            return kept
        }
    }
}
