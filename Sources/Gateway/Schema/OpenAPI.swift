import JSON
import Providers
import Runnable

/// The OpenAPI 3.1 document of all mounted routes, written from the same shapes that validate requests and the same switches that mount
/// endpoints.
enum OpenAPI {
    /// The document as JSON.
    static func document(_ routes: [RouteService], version: String) -> [UInt8] {
        var builder = OpenAPIBuilder()
        for route in routes { builder.add(route) }
        return builder.document(version: version).jsonBytes
    }
}

private struct OpenAPIBuilder {
    private var paths: Value.Object = [:]
    private var writer = JSONSchema(prefix: "#/components/schemas/")
    private var schemas: Value.Object = [:]

    mutating func add(_ route: RouteService) {
        let settings = route.settings
        let prefix = settings.path == "/" ? "" : settings.path
        let words = settings.path.split { !$0.isLetter && !$0.isNumber }.map { JSONSchema.title(String($0)) }
        let name = words.isEmpty ? "Root" : words.joined()
        let schemas = RouteSchemas(route)
        let config = define("\(name)Config", schemas.config.withDefinitionsInline(schemas))
        let input = define("\(name)Input", writer.schema(route.shape.input))
        let output = define("\(name)Output", writer.schema(route.shape.output))
        let chunk = writer.chunk(route.shape.output)
        for endpoint in RouteSettings.EndpointName.allCases where settings.endpoints.contains(endpoint) {
            let operation = OpenAPIOperation(endpoint: endpoint, path: settings.path, name: name)
            var path = "\(prefix)/\(endpoint.rawValue)"
            if endpoint == .playground { path += "/" }
            var entry: Value.Object = [:]
            let body = operation.body(input: input, config: config)
            entry[operation.method] = operation.object(
                body: body.map { define("\(name)\(operation.title)Request", $0) },
                output: output,
                chunk: chunk,
                isHashed: false
            )
            paths[path] = .object(entry)
            guard endpoint.isHashed else { continue }
            entry[operation.method] = operation.object(
                body: body.map { define("\(name)\(operation.title)Request", $0) },
                output: output,
                chunk: chunk,
                isHashed: true
            )
            paths[path.replacingPrefix(prefix, with: "\(prefix)/c/{config_hash}")] = .object(entry)
        }
    }

    private mutating func define(_ name: String, _ schema: Value) -> Value {
        schemas[name] = schema
        return ["$ref": .string("#/components/schemas/\(name)")]
    }

    func document(version: String) -> Value {
        var all = schemas
        for definition in writer.definitions { all[definition.key] = definition.value }
        all["Error"] = OpenAPIOperation.error
        all["ValidationError"] = OpenAPIOperation.validationError
        var paths = paths
        for (path, summary) in [("/health", "Whether the process runs."), ("/ready", "Whether requests are welcome.")] {
            paths[path] = OpenAPIOperation.probe(path, summary)
        }
        return [
            "openapi": "3.1.0",
            "info": ["title": "Headgate", "version": .string(version)],
            "paths": .object(paths),
            "components": ["schemas": .object(all)],
        ]
    }
}

extension Value {
    /// The config schema with the configurable values in their place.
    fileprivate func withDefinitionsInline(_ schemas: RouteSchemas) -> Value {
        guard case .object(var object) = self else { return self }
        if object["$defs"] != nil, case .object(var properties)? = object["properties"] {
            properties["configurable"] = ["anyOf": .array([schemas.configurable, ["type": "null"]])]
            object["properties"] = .object(properties)
        }
        object["$defs"] = nil
        return .object(object)
    }
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String, with other: String) -> String { other + dropFirst(prefix.count) }
}

extension RouteSettings.EndpointName {
    /// Whether it has variants by config hash.
    fileprivate var isHashed: Bool {
        switch self {
        case .tokenFeedback, .feedback, .publicTraceLink: false
        default: true
        }
    }
}

/// One endpoint of one route.
private struct OpenAPIOperation {
    let endpoint: RouteSettings.EndpointName
    let path: String
    let name: String

    var method: String {
        switch endpoint {
        case .invoke, .batch, .stream, .streamLog, .streamEvents, .tokenFeedback, .feedback: "post"
        case .publicTraceLink: "put"
        case .inputSchema, .outputSchema, .configSchema, .playground: "get"
        }
    }

    /// The endpoint in a type's name: `StreamLog`.
    var title: String { endpoint.rawValue.split(separator: "_").map { JSONSchema.title(String($0)) }.joined() }

    private var summary: String {
        switch endpoint {
        case .invoke: "Run once and wait for the whole output."
        case .batch: "Run many inputs; whole, or item by item as they complete."
        case .stream: "Run once and receive the output in pieces."
        case .streamLog: "Run once and receive changes of a document that tells of all runs inside."
        case .streamEvents: "Run once and receive what happens in all runs inside."
        case .inputSchema: "The JSON Schema of the input."
        case .outputSchema: "The JSON Schema of the output."
        case .configSchema: "The JSON Schema of the config."
        case .playground: "A page to try it on."
        case .tokenFeedback, .feedback: "Feedback; 400, as there is no tracing."
        case .publicTraceLink: "A link to a trace; 400, as there is no tracing."
        }
    }

    /// The request's body, nil where there is none.
    func body(input: Value, config: Value) -> Value? {
        let kwargs: Value = ["title": "Kwargs", "description": "Ignored."]
        let nullableConfig: Value = ["anyOf": .array([config, ["type": "null"]])]
        switch endpoint {
        case .invoke, .stream:
            return object(["input": input, "config": nullableConfig, "kwargs": kwargs], required: ["input"])
        case .batch:
            let configs: Value = [
                "anyOf": .array([config, ["type": "array", "items": nullableConfig], ["type": "null"]])
            ]
            return object(
                [
                    "inputs": ["type": "array", "items": input], "config": configs, "kwargs": kwargs,
                    "return_exceptions": ["type": ["boolean", "null"]],
                ],
                required: ["inputs"]
            )
        case .streamLog, .streamEvents:
            var properties: Value.Object = ["input": input, "config": nullableConfig, "kwargs": kwargs]
            for word in ["include", "exclude"] {
                for list in ["names", "types", "tags"] {
                    properties["\(word)_\(list)"] = ["type": ["array", "null"], "items": ["type": "string"]]
                }
            }
            return object(properties, required: ["input"])
        case .tokenFeedback: return feedback(.tokenFeedback)
        case .feedback: return feedback(.feedback)
        case .publicTraceLink: return feedback(.publicTraceLink)
        case .inputSchema, .outputSchema, .configSchema, .playground: return nil
        }
    }

    private func feedback(_ kind: FeedbackKind) -> Value {
        var writer = JSONSchema()
        return writer.schema(kind.shape)
    }

    private func object(_ properties: Value.Object, required: [Value]) -> Value {
        [
            "type": "object", "title": .string("\(name)\(title)Request"), "properties": .object(properties),
            "required": .array(required),
        ]
    }

    func object(body: Value?, output: Value, chunk: Value, isHashed: Bool) -> Value {
        var operation: Value.Object = [
            "summary": .string(summary),
            "tags": .array([.string(isHashed ? "\(path)/config" : path)]),
            "operationId": .string("\(name)_\(endpoint.rawValue)\(isHashed ? "_config" : "")"),
        ]
        if isHashed {
            var schema: Value.Object = ["type": "string", "examples": ["N4XyA"]]
            // The page reads the hash itself.
            if endpoint != .playground { schema["pattern"] = "^[A-Za-z0-9+$-]+$" }
            operation["parameters"] = [
                [
                    "name": "config_hash", "in": "path", "required": true,
                    "description": "A run config, compressed with LZString for URIs.", "schema": .object(schema),
                ]
            ]
        }
        if let body {
            operation["requestBody"] = ["required": true, "content": ["application/json": ["schema": body]]]
        }
        operation["responses"] = .object(responses(output, chunk, isHashed: isHashed))
        return .object(operation)
    }

    private func responses(_ output: Value, _ chunk: Value, isHashed: Bool) -> Value.Object {
        var responses: Value.Object = [:]
        func json(_ schema: Value, _ description: String) -> Value {
            ["description": .string(description), "content": ["application/json": ["schema": schema]]]
        }
        let error: Value = ["$ref": "#/components/schemas/Error"]
        let isRun: Bool
        switch endpoint {
        case .invoke:
            isRun = true
            responses["200"] = json(Self.invokeAnswer(output), "The output.")
        case .batch:
            isRun = true
            responses["200"] = batchAnswer(output)
        case .stream, .streamLog, .streamEvents:
            isRun = true
            responses["200"] = streamAnswer(chunk)
        case .inputSchema, .outputSchema, .configSchema:
            isRun = false
            responses["200"] = json(["type": "object"], "A JSON Schema.")
        case .playground:
            isRun = false
            responses["200"] = ["description": "The page.", "content": ["text/html": ["schema": ["type": "string"]]]]
        case .tokenFeedback, .feedback, .publicTraceLink:
            isRun = false
            responses["400"] = json(error, "There is no tracing.")
            responses["422"] = json(["$ref": "#/components/schemas/ValidationError"], "The body is not valid.")
        }
        if isHashed, endpoint != .playground { responses["400"] = json(error, "The hash is no config.") }
        if isRun {
            responses["422"] = json(["$ref": "#/components/schemas/ValidationError"], "The request is not valid.")
            responses["default"] = json(error, "The run failed; the status says whose fault it is.")
        }
        return responses
    }

    private func streamAnswer(_ chunk: Value) -> Value {
        var content: Value.Object = [:]
        let text: Value = ["schema": ["type": "string"]]
        switch endpoint {
        case .streamLog: content["text/event-stream"] = ["schema": EventSchemas.log]
        case .streamEvents: content["text/event-stream"] = ["schema": EventSchemas.events]
        default:
            content["text/event-stream"] = ["schema": EventSchemas.stream(chunk: chunk)]
            content["text/plain"] = text
        }
        content["application/x-ndjson"] = text
        return [
            "description": "Server-sent events, which the schema describes one by one; other formats where asked for.",
            "content": .object(content),
        ]
    }

    private static func invokeAnswer(_ output: Value) -> Value {
        [
            "type": "object", "required": ["output", "metadata"],
            "properties": [
                "output": output,
                "metadata": [
                    "type": "object", "required": ["run_id", "feedback_tokens"],
                    "properties": [
                        "run_id": ["type": "string", "format": "uuid"], "feedback_tokens": ["type": "array"],
                    ],
                ],
            ],
        ]
    }

    private func batchAnswer(_ output: Value) -> Value {
        let item: Value = [
            "type": "object", "required": ["run_id", "feedback_tokens"],
            "properties": [
                "run_id": ["type": "string", "format": "uuid"], "feedback_tokens": ["type": "array"],
                "error": ["type": "object"],
            ],
        ]
        let whole: Value = [
            "type": "object", "required": ["output", "metadata"],
            "properties": [
                "output": ["type": "array", "items": ["anyOf": .array([output, ["type": "null"]])]],
                "metadata": [
                    "type": "object", "required": ["responses", "run_ids"],
                    "properties": [
                        "responses": ["type": "array", "items": item],
                        "run_ids": ["type": "array", "items": ["type": "string", "format": "uuid"]],
                    ],
                ],
            ],
        ]
        return [
            "description":
                "The outputs in the order of the inputs; items as they complete where lines or events are accepted.",
            "content": [
                "application/json": ["schema": whole], "application/x-ndjson": ["schema": ["type": "string"]],
                "text/event-stream": ["schema": EventSchemas.batch(output: output)],
            ],
        ]
    }

    // MARK: Shared

    /// What failures have in common.
    static var error: Value {
        [
            "type": "object", "title": "Error", "required": ["detail", "message"],
            "properties": ["detail": [:], "message": ["type": "string"], "error": ["type": "object"]],
        ]
    }

    /// What is wrong with a request.
    static var validationError: Value {
        [
            "type": "object", "title": "ValidationError", "required": ["detail", "message"],
            "properties": [
                "detail": [
                    "anyOf": [
                        ["type": "string"],
                        ["type": "array", "items": ["anyOf": [["type": "string"], ["type": "object"]]]],
                    ]
                ],
                "message": ["type": "string"],
            ],
        ]
    }

    static func probe(_ path: String, _ summary: String) -> Value {
        let schema: Value = ["type": "object", "required": ["status"], "properties": ["status": ["type": "string"]]]
        return [
            "get": [
                "summary": .string(summary), "tags": ["service"], "operationId": .string(String(path.dropFirst())),
                "responses": [
                    "200": ["description": "Yes.", "content": ["application/json": ["schema": schema]]],
                    "503": ["description": "Not now.", "content": ["application/json": ["schema": schema]]],
                ],
            ]
        ]
    }
}
