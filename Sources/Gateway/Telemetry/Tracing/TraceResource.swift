import Glibc
import JSON
import Runnable

/// What an exporter says of this process: OTLP's resource and scope, around the spans.
struct TraceResource: Sendable {
    /// The request's body up to the first span.
    let prefix: [UInt8]
    /// And behind the last one.
    static let suffix: [UInt8] = Array("]}]}]}".utf8)

    /// Describes this process: by the settings, then by `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, then by what is known.
    ///
    /// - Parameters:
    ///   - instance: names this process among others.
    ///   - variable: the environment.
    init(_ settings: TracingSettings, instance: RunID, variable: (String) -> String?) {
        var values: [(name: String, value: String)] = [
            ("service.name", "headgate"), ("service.version", Gateway.version),
            ("service.instance.id", instance.description), ("process.pid", "\(getpid())"),
        ]
        func set(_ name: String, _ value: String) {
            if let place = values.firstIndex(where: { $0.name == name }) {
                values[place].value = value
            } else {
                values.append((name, value))
            }
        }
        if let host = TraceResource.hostName { set("host.name", host) }
        for (name, value) in TraceResource.attributes(variable("OTEL_RESOURCE_ATTRIBUTES") ?? "") ?? [] {
            set(name, value)
        }
        if let name = variable("OTEL_SERVICE_NAME"), !name.isEmpty { set("service.name", name) }
        for attribute in settings.attributes { set(attribute.name, attribute.value) }
        if let name = settings.serviceName { set("service.name", name) }
        var prefix: [UInt8] = []
        prefix.appendRaw("{\"resourceSpans\":[{\"resource\":{\"attributes\":[")
        for (place, (name, value)) in values.enumerated() {
            prefix.appendRaw(place > 0 ? ",{\"key\":" : "{\"key\":")
            prefix.appendJSON(name)
            prefix.appendRaw(name == "process.pid" ? ",\"value\":{\"intValue\":" : ",\"value\":{\"stringValue\":")
            prefix.appendJSON(value)
            prefix.appendRaw("}}")
        }
        prefix.appendRaw("]},\"scopeSpans\":[{\"scope\":{\"name\":\"headgate\",\"version\":")
        prefix.appendJSON(Gateway.version)
        prefix.appendRaw("},\"spans\":[")
        self.prefix = prefix
    }

    private static var hostName: String? {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return nil }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }

    /// `key=value` with commas between them, values percent-encoded, as the specification of OpenTelemetry's resources has it; nil for
    /// anything else, of which nothing counts then.
    static func attributes(_ text: String) -> [(name: String, value: String)]? {
        var found: [(name: String, value: String)] = []
        for member in text.split(separator: ",") {
            let parts = member.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = decoded(trimmed(parts[0])), let value = decoded(trimmed(parts[1])),
                !name.isEmpty
            else { return nil }
            found.append((name, value))
        }
        return found
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap({ Character(UnicodeScalar($0)).hexDigitValue }),
                let low = rest.popFirst().flatMap({ Character(UnicodeScalar($0)).hexDigitValue })
            else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
