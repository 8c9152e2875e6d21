import JSON
import Runnable

/// Gives the fragments of a stream's tool calls their place: index, and name and id in the first fragment only.
///
/// Servers omit the index, repeat id and name, or send whole calls, several under the same index.
struct OpenAIToolCallAssembler {
    private struct Call {
        /// What the upstream calls it.
        let upstreamIndex: Int?
        var id: String?
        var hasName = false
    }

    /// A stream with more is refused: every fragment is compared with these.
    static let maximumCalls = 1024

    private var calls: [Call] = []

    /// The piece that a fragment adds; nil when it adds nothing.
    mutating func piece(_ fragment: JSONView) throws(RunError) -> ToolCallChunk? {
        var id: String?
        var index: Int?
        var function: JSONView?
        for (key, value) in fragment.members {
            if key.isKey("index") {
                index = value.int
            } else if key.isKey("id") {
                // Mistral has the text "null" where others have none.
                id = value.equals("null") ? nil : value.nonEmptyString
            } else if key.isKey("function") {
                function = value
            }
        }
        let name = function?["name"]?.nonEmptyString
        let place = try place(index: index, id: id, name: name)
        var piece = ToolCallChunk(name: nil, arguments: nil, id: nil, index: place)
        if let name, !calls[place].hasName {
            calls[place].hasName = true
            piece.name = name
        }
        if let id, calls[place].id == nil {
            calls[place].id = id
            piece.id = id
        }
        if let arguments = function?["arguments"], !arguments.isNull { piece.arguments = text(of: arguments) }
        let isEmpty = piece.name == nil && piece.id == nil && (piece.arguments ?? "").isEmpty
        return isEmpty ? nil : piece
    }

    private func text(of arguments: JSONView) -> String {
        if let text = arguments.string { return text }
        var bytes: [UInt8] = []
        bytes.appendCompactJSON(arguments.raw)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Which call a fragment belongs to; begins a new one when it is none of the known.
    private mutating func place(index: Int?, id: String?, name: String?) throws(RunError) -> Int {
        if let index {
            if let known = calls.lastIndex(where: { $0.upstreamIndex == index }), !isAnother(known, id, name) {
                return known
            }
        } else if let id {
            if let known = calls.lastIndex(where: { $0.id == id }) { return known }
            // The id of a call that began without one.
            if name == nil, let last = calls.indices.last, calls[last].id == nil { return last }
        } else if name == nil, let last = calls.indices.last {
            return last
        }
        guard calls.count < OpenAIToolCallAssembler.maximumCalls else {
            throw RunError(.upstreamProtocol, detail: "more than \(calls.count) tool calls in one answer")
        }
        calls.append(Call(upstreamIndex: index))
        return calls.count - 1
    }

    /// Whether a fragment under a known index is the beginning of another call: some servers number all of them 0. Others
    /// make up an id for every fragment, but these do not repeat the name.
    private func isAnother(_ known: Int, _ id: String?, _ name: String?) -> Bool {
        guard let id, name != nil, let old = calls[known].id else { return false }
        return old != id && calls[known].hasName
    }
}
