import JSON
import Providers
import Runnable

extension Shape {
    /// Reads a request's value as this shape, in pydantic's manner: members nobody declared are dropped, and errors tell the place inside
    /// the value.
    func read(_ view: JSONView) throws(RequestProblem) -> RunValue {
        switch self {
        case .any: return .value(Value(view))
        case .string:
            guard let text = view.string else { throw .at([], "string_type", "Input should be a valid string", view) }
            return .string(text)
        case .number: return try number(view)
        case .integer:
            guard let integer = Self.integer(view) else {
                throw .at([], "int_type", "Input should be a valid integer", view)
            }
            return .value(.integer(integer))
        case .boolean:
            guard let value = view.bool else { throw .at([], "bool_type", "Input should be a valid boolean", view) }
            return .value(.bool(value))
        case .list(let element): return try list(view, of: element)
        case .object(let members): return try object(view, members)
        case .modelInput: return try modelInput(view)
        case .prompt: return .prompt(try PromptDecoding.prompt(view))
        case .messages: return try messages(view)
        case .message: return .message(try MessageDecoding.message(view))
        case .answer:
            if let text = view.string { return .string(text) }
            return .message(try MessageDecoding.message(view))
        }
    }

    /// An integer as the reference takes it: also `3.0` and `"3"`.
    private static func integer(_ view: JSONView) -> Int? {
        if let int = view.int { return int }
        if let text = view.string { return Int(text) }
        return view.double.flatMap { Int(exactly: $0) }
    }

    private func number(_ view: JSONView) throws(RequestProblem) -> RunValue {
        if view.kind == .number { return .value(Value(view)) }
        if let text = view.string, case .number? = try? Value(parsing: text) { return .value(.number(text)) }
        throw .at([], "float_type", "Input should be a valid number", view)
    }

    private func list(_ view: JSONView, of element: Shape) throws(RequestProblem) -> RunValue {
        guard view.kind == .array else { throw .at([], "list_type", "Input should be a valid list", view) }
        var elements: [RunValue] = []
        for item in view.elements {
            let value = try RequestProblem.within(.index(elements.count)) { () throws(RequestProblem) in
                try element.read(item)
            }
            elements.append(value)
        }
        return RunValue(elements)
    }

    /// What the caller wrote, as it was written: steps beside the model get it too, and may hand it on.
    private func modelInput(_ view: JSONView) throws(RequestProblem) -> RunValue {
        let prompt = try PromptDecoding.prompt(view)
        switch view.kind {
        case .string: return .string(prompt.text)
        case .array: return RunValue(prompt.messages.map { .message($0) })
        default: return .prompt(prompt)
        }
    }

    private func messages(_ view: JSONView) throws(RequestProblem) -> RunValue {
        guard view.kind == .array else { throw .at([], "list_type", "Input should be a valid list", view) }
        return try list(view, of: .message)
    }

    private func object(_ view: JSONView, _ members: Members) throws(RequestProblem) -> RunValue {
        guard view.kind == .object else {
            throw .at([], "model_type", "Input should be a valid dictionary or object", view)
        }
        var read = RunValue.Members()
        for member in members.all {
            guard let value = view.member(member.key) else {
                guard !member.isRequired else { throw .missing(member.key, in: view) }
                continue
            }
            // Where nothing is known of a member, its null is the caller's; else null is how clients leave a member out.
            if value.isNull, !member.isRequired, member.shape != .any { continue }
            read[member.key] = try RequestProblem.within(.key(member.key)) { () throws(RequestProblem) in
                try member.shape.read(value)
            }
        }
        guard members.isOpen else { return RunValue(read) }
        // In the caller's order.
        var all = RunValue.Members(Value.Object(view))
        for member in members.all { all[member.key] = read[member.key] }
        return RunValue(all)
    }
}
