extension PipelineGraph {
    /// A tree for each route, with a blank line between them.
    var ascii: String {
        routes.map { route in
            var lines = [route.path, "|   in: \(route.input)"]
            Self.draw(route.steps, "", &lines)
            lines.append("    out: \(route.output)")
            return lines.map { $0 + "\n" }.joined()
        }.joined(separator: "\n")
    }

    /// Steps below each other.
    private static func draw(_ steps: [Node], _ margin: String, _ lines: inout [String]) {
        for (place, step) in steps.enumerated() {
            draw(step, "", margin, isLast: place == steps.count - 1, &lines)
        }
    }

    private static func draw(
        _ step: Node,
        _ name: String,
        _ margin: String,
        isLast: Bool,
        _ lines: inout [String]
    ) {
        let notes = step.notes.isEmpty ? "" : "  [\(step.notes.joined(separator: "; "))]"
        lines.append("\(margin)\(isLast ? "`-- " : "+-- ")\(name)\(step.label)\(notes)")
        let parts = step.parts + step.others
        let inner = margin + (isLast ? "    " : "|   ")
        for (place, part) in parts.enumerated() {
            let isLast = place == parts.count - 1
            if part.steps.count == 1 {
                draw(part.steps[0], "\(part.name): ", inner, isLast: isLast, &lines)
            } else {
                lines.append("\(inner)\(isLast ? "`-- " : "+-- ")\(part.name):")
                draw(part.steps, inner + (isLast ? "    " : "|   "), &lines)
            }
        }
    }
}
