import JSON

/// `GET /`: what is mounted here, as JSON that programs parse and people can read in a terminal.
enum IndexPage {
    static func body(_ routes: [RouteService], version: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendRaw("{\n  \"service\": \"headgate\",\n  \"version\": ")
        bytes.appendJSON(version)
        bytes.appendRaw(",\n  \"routes\": [")
        for (place, route) in routes.enumerated() {
            if place > 0 { bytes.appendRaw(",") }
            let prefix = route.settings.path == "/" ? "" : route.settings.path
            bytes.appendRaw("\n    {\n      \"path\": ")
            bytes.appendJSON(route.settings.path)
            if route.settings.pipeline == nil {
                bytes.appendRaw(",\n      \"model\": ")
                bytes.appendJSON(route.settings.model)
                bytes.appendRaw(",\n      \"output\": ")
                bytes.appendJSON(route.settings.output.rawValue)
            } else {
                bytes.appendRaw(",\n      \"pipeline\": true")
            }
            for method in RouteTable.RunMethod.allCases where route.settings.endpoints.contains(method.endpoint) {
                bytes.appendRaw(",\n      \"")
                bytes.appendRaw(method.name)
                bytes.appendRaw("\": ")
                bytes.appendJSON("POST \(prefix)/\(method.name)")
            }
            bytes.appendRaw("\n    }")
        }
        bytes.appendRaw(routes.isEmpty ? "]" : "\n  ]")
        bytes.appendRaw(
            ",\n  \"health\": \"GET /health\",\n  \"ready\": \"GET /ready\",\n  \"docs\": \"GET /docs\",\n  \"openapi\": \"GET /openapi.json\"\n}\n"
        )
        return bytes
    }
}
