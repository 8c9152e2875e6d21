/// The place of a child run inside the runnable that called it; becomes a tag of that child only.
public enum RunStep: Sendable, Hashable {
    /// Step of a sequence, counted from 1.
    case sequence(Int)
    /// Key of a parallel map.
    case mapKey(String)
    /// Condition of a branch, counted from 1.
    case condition(Int)
    /// Taken arm of a branch, counted from 1.
    case branch(Int)
    /// Default arm of a branch.
    case branchDefault
    /// Attempt of a retry, counted from 1. LangChain tags only the second attempt and later ones.
    case retryAttempt(Int)

    /// The tag in LangChain's spelling, nil for a first attempt.
    public var tag: String? {
        switch self {
        case .sequence(let number): "seq:step:\(number)"
        case .mapKey(let key): "map:key:\(key)"
        case .condition(let number): "condition:\(number)"
        case .branch(let number): "branch:\(number)"
        case .branchDefault: "branch:default"
        case .retryAttempt(let number): number > 1 ? "retry:attempt:\(number)" : nil
        }
    }
}
