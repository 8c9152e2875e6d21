import JSON

/// Reads `text` and returns what `body` makes of its value.
func reading<R>(_ text: String, maximumDepth: Int = 128, _ body: (JSONView) throws -> R) throws -> R {
    try JSONReader(maximumDepth: maximumDepth).read(Array(text.utf8), body)
}

/// The error that reading `text` ends in, or nil.
func failure(_ text: [UInt8], maximumDepth: Int = 128) -> JSONError? {
    do {
        try JSONReader(maximumDepth: maximumDepth).read(text) { _ in }
        return nil
    } catch {
        return error as? JSONError
    }
}

/// A comparable copy of a value, made through the public accessors only.
indirect enum Tree: Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([Tree])
    case object([Member])

    struct Member: Equatable {
        let key: String
        let value: Tree
    }

    init(_ view: JSONView) {
        self =
            switch view.kind {
            case .null: .null
            case .bool: .bool(view.bool ?? false)
            case .number: .number(String(decoding: view.raw, as: UTF8.self))
            case .string: .string(view.string ?? "not a string")
            case .array: .array(view.elements.map { Tree($0) })
            case .object:
                .object(view.members.map { Member(key: $0.key.string ?? "not a string", value: Tree($0.value)) })
            }
    }
}

func tree(_ text: [UInt8]) throws -> Tree { try JSONReader().read(text) { Tree($0) } }
func tree(_ text: String) throws -> Tree { try tree(Array(text.utf8)) }

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

func compact(_ json: String) -> String {
    var out: [UInt8] = []
    Array(json.utf8).withUnsafeBytes { out.appendCompactJSON($0) }
    return text(out)
}

/// A document with every kind of value, escape and white space.
let mixed = """
    \u{20}\t{"id" : "a-1", "n":[0, -1, 2.50, 1e9 ,1E-2],\r
     "text":"q \\" b \\\\ n \\n u \\u00e9 \\ud83d\\ude00 raw é 😀 \u{2028}", "flags": [true,false,null],
     "empty":{ } , "none":[ ], "": {"deep":[[[{"x":"\\u2029"}]]]}}\n
    """
