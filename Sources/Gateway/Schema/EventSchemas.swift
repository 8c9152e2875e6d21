import Runnable

/// Schemas of server-sent events, for the OpenAPI document. OpenAPI 3.1 says nothing about how to describe a stream, so each schema is that
/// of one event: its name, and its data as the text that it is, with what is in the text beside.
enum EventSchemas {
    /// The events of `/stream`.
    /// - Parameter chunk: the schema of a piece of the output.
    static func stream(chunk: Value) -> Value {
        let metadata: Value = [
            "type": "object", "required": ["run_id"], "properties": ["run_id": ["type": "string", "format": "uuid"]],
        ]
        return any([event("metadata", metadata), event("data", chunk), failure, end])
    }

    /// The events of `/stream_log`.
    static var log: Value {
        let operation: Value = [
            "type": "object", "required": ["op", "path", "value"],
            "properties": ["op": ["enum": ["add", "replace"]], "path": ["type": "string"], "value": [:]],
        ]
        let operations: Value = [
            "type": "object", "required": ["ops"],
            "properties": ["ops": ["type": "array", "items": operation, "minItems": 1]],
        ]
        return any([event("data", operations), failure, end])
    }

    /// The events of `/stream_events`.
    static var events: Value {
        let ids: Value = ["type": "array", "items": ["type": "string", "format": "uuid"]]
        let happening: Value = [
            "type": "object", "required": ["event", "data", "name", "tags", "run_id", "metadata", "parent_ids"],
            "properties": [
                "event": ["type": "string"], "data": [:], "name": ["type": "string"],
                "tags": ["type": "array", "items": ["type": "string"]],
                "run_id": ["type": "string", "format": "uuid"], "metadata": ["type": "object"], "parent_ids": ids,
            ],
        ]
        return any([event("data", happening), failure, end])
    }

    /// The events of `/batch`, where a caller asks for such.
    static func batch(output: Value) -> Value {
        let item: Value = [
            "type": "object", "required": ["index", "run_id"],
            "properties": [
                "index": ["type": "integer", "minimum": 0], "run_id": ["type": "string", "format": "uuid"],
                "output": output, "error": ["type": "object"],
            ],
        ]
        let count: Value = ["type": "integer", "minimum": 0]
        let summary: Value = [
            "type": "object", "required": ["summary"],
            "properties": [
                "summary": [
                    "type": "object", "required": ["total", "succeeded", "failed"],
                    "properties": ["total": count, "succeeded": count, "failed": count],
                ]
            ],
        ]
        return any([event("data", item), event("metadata", summary), failure, end])
    }

    private static func any(_ events: [Value]) -> Value { ["oneOf": .array(events)] }

    private static func event(_ name: String, _ content: Value) -> Value {
        [
            "type": "object", "required": ["event", "data"],
            "properties": [
                "event": ["const": .string(name)],
                "data": ["type": "string", "contentMediaType": "application/json", "contentSchema": content],
            ],
        ]
    }

    private static let failure = event(
        "error",
        [
            "type": "object", "required": ["status_code", "message", "code", "retryable"],
            "properties": [
                "status_code": ["type": "integer"], "message": ["type": "string"], "code": ["type": "string"],
                "retryable": ["type": "boolean"], "retry_after": ["type": "number"],
            ],
        ]
    )

    private static let end: Value = [
        "type": "object", "required": ["event"], "properties": ["event": ["const": "end"]],
        "additionalProperties": false,
    ]
}
