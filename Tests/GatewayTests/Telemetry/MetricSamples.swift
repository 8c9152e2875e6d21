/// Metrics as a reader of the text has them: what stands before the value, and the value.
struct MetricSamples {
    private let values: [String: Double]

    init(_ text: String) {
        var values: [String: Double] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let blank = line.lastIndex(of: " ") else { continue }
            values[String(line[..<blank])] = Double(line[line.index(after: blank)...])
        }
        self.values = values
    }

    /// The value of a sample as it is written, labels included.
    subscript(sample: String) -> Double? { values[sample] }

    /// All samples whose text begins so.
    func all(_ prefix: String) -> [String: Double] { values.filter { $0.key.hasPrefix(prefix) } }

    /// The sum of all samples of a metric.
    func sum(_ name: String) -> Double {
        values.reduce(0) { $1.key == name || $1.key.hasPrefix(name + "{") ? $0 + $1.value : $0 }
    }
}
