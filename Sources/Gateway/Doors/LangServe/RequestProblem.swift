import JSON

/// Why a LangServe request body cannot be served, in the shapes that FastAPI and pydantic gave clients to expect
/// (langserve-protocol.md, 1.15). Answered 422, but for a coded body.
enum RequestProblem: Error {
    /// The body is not JSON, or not UTF-8.
    case invalidJSON
    /// The body is compressed, or coded otherwise.
    case codedBody
    /// The hash in the path is no config.
    case invalidConfigHash
    /// Feedback, which has nowhere to go.
    case noTracing
    /// A sentence instead of a list of errors.
    case sentence(String)
    /// One error with its place inside the validated value.
    case invalid(ValidationError)

    /// The answer's body: `detail` for Python clients, `message` for JavaScript ones.
    var body: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendRaw("{\"detail\":")
        switch self {
        case .invalidJSON: bytes.appendRaw("[\"Invalid JSON body\"]")
        case .codedBody, .invalidConfigHash, .noTracing, .sentence: bytes.appendJSON(message)
        case .invalid(let error):
            bytes.appendRaw("[")
            error.append(to: &bytes)
            bytes.appendRaw("]")
        }
        bytes.appendRaw(",\"message\":")
        bytes.appendJSON(message)
        bytes.appendRaw("}")
        return bytes
    }

    /// The answer's status.
    var status: Int {
        switch self {
        case .codedBody: 415
        case .invalidConfigHash, .noTracing: 400
        case .invalidJSON, .sentence, .invalid: 422
        }
    }

    /// The problem in words.
    var message: String {
        switch self {
        case .invalidJSON: "Invalid JSON body"
        case .codedBody: "Content-Encoding is not supported; send the body as it is"
        case .invalidConfigHash: "Invalid config hash"
        case .noTracing: "Tracing is not enabled on this server, so there is nowhere to send feedback to"
        case .sentence(let text): text
        case .invalid(let error): error.description
        }
    }

    /// An error at `location` about `view`.
    static func at(
        _ location: [Location],
        _ kind: StaticString,
        _ message: String,
        _ view: JSONView
    ) -> RequestProblem {
        .invalid(ValidationError(kind: kind, location: location, message: message, input: view))
    }

    /// A required member of `view` is missing.
    static func missing(_ key: String, in view: JSONView) -> RequestProblem {
        .at([.key(key)], "missing", "Field required", view)
    }

    /// Runs `body` on a part of a value; the place of its error is then told from the whole. Costs nothing on success: a path
    /// is only made for those who need one.
    static func within<R>(
        _ step: Location,
        _ next: Location? = nil,
        body: () throws(RequestProblem) -> R
    ) throws(RequestProblem) -> R {
        do throws(RequestProblem) {
            return try body()
        } catch {
            guard case .invalid(var problem) = error else { throw error }
            problem.location = [step] + (next.map { [$0] } ?? []) + problem.location
            throw .invalid(problem)
        }
    }
}

/// One step of the way to a value: an object's key or an array's index.
enum Location: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case key(String)
    case index(Int)

    init(stringLiteral value: String) { self = .key(value) }
    init(integerLiteral value: Int) { self = .index(value) }
}

/// One entry of a 422 answer's `detail` list.
struct ValidationError: CustomStringConvertible {
    /// pydantic's name for the kind of mistake: `missing`, `string_type`, ...
    let kind: StaticString
    /// The way from the validated value to what is wrong in it.
    var location: [Location]
    let message: String
    private let input: [UInt8]

    /// A longer input is not echoed: a 422 should not cost more than the request.
    private static let longestEcho = 4096

    init(kind: StaticString, location: [Location], message: String, input: JSONView) {
        self.kind = kind
        self.location = location
        self.message = message
        var echo: [UInt8] = []
        if input.raw.count <= ValidationError.longestEcho {
            echo.appendCompactJSON(input.raw)
        } else {
            echo.appendRaw("null")
        }
        self.input = echo
    }

    func append(to bytes: inout [UInt8]) {
        bytes.appendRaw("{\"type\":\"")
        bytes.appendRaw(kind)
        bytes.appendRaw("\",\"loc\":[")
        for (place, step) in location.enumerated() {
            if place > 0 { bytes.appendRaw(",") }
            switch step {
            case .key(let key): bytes.appendJSON(key)
            case .index(let index): bytes.appendJSON(index)
            }
        }
        bytes.appendRaw("],\"msg\":")
        bytes.appendJSON(message)
        bytes.appendRaw(",\"input\":")
        bytes.append(contentsOf: input)
        bytes.appendRaw("}")
    }

    var description: String {
        let path = location.map { step in
            switch step {
            case .key(let key): key
            case .index(let index): String(index)
            }
        }
        return path.isEmpty ? message : "\(path.joined(separator: ".")): \(message)"
    }
}
