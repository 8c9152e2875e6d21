/// JSON in an answer, as the changes that each piece of the text makes to what is known.
public struct JSONPatchParsing: TextParsing {
    private var snapshots = JSONParsing()
    private var known: Value?
    private var latest: [JSONSnapshot] = []

    /// `JsonOutputParser`.
    public static var name: String { JSONParsing.name }

    /// A parser of one text.
    public init() {}

    /// Adds the changes that this text makes, if any.
    public mutating func push(_ text: String, to pieces: inout [[JSONPatchOperation]]) {
        snapshots.push(text, to: &latest)
        addChanges(to: &pieces)
    }

    /// Adds the changes that only the end makes certain.
    public mutating func finish(_ pieces: inout [[JSONPatchOperation]]) {
        snapshots.finish(&latest)
        addChanges(to: &pieces)
    }

    /// The JSON in a text; an error when there is none.
    public static func parse(_ text: String) throws -> Value { try JSONParsing.parse(text) }

    private mutating func addChanges(to pieces: inout [[JSONPatchOperation]]) {
        guard let value = latest.last?.value else { return }
        latest.removeAll(keepingCapacity: true)
        pieces.append(JSONPatch.difference(from: known, to: value))
        known = value
    }
}

extension OutputParser
where Parsing == JSONPatchParsing, Output == [JSONPatchOperation], Chunk == [JSONPatchOperation] {
    /// A parser.
    public init() {
        self.init(output: { [.replace(path: "", value: $0)] }, chunk: { $0 })
    }
}

extension JSONPatchOperation: RunValueConvertible {
    /// As it is sent.
    public var runValue: RunValue { .value(wireValue) }
}
