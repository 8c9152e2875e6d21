import JSON
import Runnable

/// Reads the filters of `/stream_log` and `/stream_events` (langserve-protocol.md, 1.8).
enum EventFilterDecoding {
    /// The filter in a body; a list that is null or absent filters nothing.
    static func filter(_ root: JSONView) throws(RequestProblem) -> RunEventFilter {
        RunEventFilter(
            includeNames: try names("include_names", root),
            includeTypes: try names("include_types", root),
            includeTags: try names("include_tags", root),
            excludeNames: try names("exclude_names", root) ?? [],
            excludeTypes: try names("exclude_types", root) ?? [],
            excludeTags: try names("exclude_tags", root) ?? []
        )
    }

    private static func names(_ key: String, _ root: JSONView) throws(RequestProblem) -> [String]? {
        guard let view = root.member(key), !view.isNull else { return nil }
        guard view.kind == .array else { throw .at([.key(key)], "list_type", "Input should be a valid list", view) }
        var names: [String] = []
        for element in view.elements {
            guard let name = element.string else {
                let place: [Location] = [.key(key), .index(names.count)]
                throw .at(place, "string_type", "Input should be a valid string", element)
            }
            names.append(name)
        }
        return names
    }
}
