import JSON
import Providers
import Runnable

/// What a route says of its input, output and config (langserve-protocol.md, 1.9), written from what validates requests.
struct RouteSchemas {
    private let route: RouteService
    private let name: String

    init(_ route: RouteService) {
        self.route = route
        let words = route.settings.path.split { !$0.isLetter && !$0.isNumber }
        name = words.isEmpty ? "root" : words.joined(separator: "_")
    }

    /// The input.
    var input: Value { JSONSchema.document(route.shape.input, title: "\(name)_input") }

    /// The output of `/invoke`.
    var output: Value { JSONSchema.document(route.shape.output, title: "\(name)_output") }

    /// The keys of a run config that count here.
    var config: Value { .object(configObject) }

    private var configObject: Value.Object {
        var definitions: Value.Object = [:]
        var properties: Value.Object = [:]
        for key in RouteSettings.ConfigKey.allCases where route.settings.allowConfig.contains(key) {
            switch key {
            case .configurable:
                guard !route.specs.isEmpty else { continue }
                definitions["Configurable"] = configurable
                properties["configurable"] = ["$ref": "#/$defs/Configurable"]
            default: properties[key.rawValue] = key.schema
            }
        }
        var object: Value.Object = [:]
        if !definitions.isEmpty { object["$defs"] = .object(definitions) }
        object["properties"] = .object(properties)
        object["title"] = .string("\(name)_config")
        object["type"] = "object"
        return object
    }

    /// The values that callers may choose.
    var configurable: Value {
        var properties: Value.Object = [:]
        for spec in route.specs { properties[spec.id] = spec.schema }
        return ["properties": .object(properties), "title": "Configurable", "type": "object"]
    }
}

extension RouteSettings.ConfigKey {
    /// The value it takes.
    var schema: Value {
        switch self {
        case .configurable: ["type": "object", "title": "Configurable"]
        case .maxConcurrency:
            ["type": ["integer", "null"], "minimum": 1, "maximum": .integer(.max), "title": "Max Concurrency"]
        case .metadata: ["type": ["object", "null"], "title": "Metadata"]
        case .recursionLimit:
            ["type": ["integer", "null"], "minimum": 1, "maximum": .integer(.max), "title": "Recursion Limit"]
        case .runID: ["anyOf": [["type": "string", "format": "uuid"], ["type": "null"]], "title": "Run Id"]
        case .tags: ["type": ["array", "null"], "items": ["type": "string"], "title": "Tags"]
        }
    }
}

extension Value {
    /// As one line of JSON.
    var jsonBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendJSON(self)
        return bytes
    }
}
