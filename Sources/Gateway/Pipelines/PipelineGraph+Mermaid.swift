extension PipelineGraph {
    /// A flowchart from top to bottom; several routes are a box each.
    var mermaid: String {
        var chart = Chart(routes)
        return chart.draw(inBoxes: routes.count > 1)
    }
}

/// Writes Mermaid's flowcharts. Names of nodes are made up, and all labels are in quotes, so that no word of a configuration is taken for a
/// word of the language, such as `end`.
private struct Chart {
    /// Where an arrow comes from, and what is written on it.
    private struct End {
        var node: String
        var label: String?
        var isDotted = false
    }

    private let routes: [PipelineGraph.Route]
    private var lines = ["flowchart TD"]
    private var margin = "    "
    private var count = 0
    /// References, drawn when all routes are.
    private var references: [(node: String, path: String)] = []

    init(_ routes: [PipelineGraph.Route]) { self.routes = routes }

    mutating func draw(inBoxes: Bool) -> String {
        for (number, route) in routes.enumerated() {
            if inBoxes { open("route\(number)", route.path) }
            let input = node("([", "\(inBoxes ? "in" : "\(route.path) in"), \(route.input)", "])", named: "in\(number)")
            let ends = draw(route.steps, from: [End(node: input)])
            let output = node("([", "out, \(route.output)", "])", named: "out\(number)")
            connect(ends, to: output)
            if inBoxes { close() }
        }
        for reference in references {
            guard let number = routes.firstIndex(where: { $0.path == reference.path }) else { continue }
            line("\(reference.node) -.-> in\(number)")
        }
        return lines.map { $0 + "\n" }.joined()
    }

    // MARK: Steps

    private mutating func draw(_ steps: [PipelineGraph.Node], from ends: [End]) -> [End] {
        var ends = ends
        for step in steps { ends = draw(step, from: ends) }
        return ends
    }

    private mutating func draw(_ step: PipelineGraph.Node, from ends: [End]) -> [End] {
        let label = ([step.label] + step.notes).joined(separator: "\n")
        let own: String
        var exits: [End]
        switch step.shape {
        case .step:
            own = node("[", label, "]")
            exits = [End(node: own)]
        case .reference:
            own = node("[[", label, "]]")
            if let route = step.route { references.append((own, route)) }
            exits = [End(node: own)]
        case .fork:
            own = node("[/", label, "\\]")
            let inner = step.parts.flatMap { draw($0.steps, from: [End(node: own, label: $0.name)]) }
            let join = node("[\\", step.parts.map(\.name).joined(separator: ", "), "/]")
            connect(inner, to: join)
            exits = [End(node: join)]
        case .choice:
            own = node("{", label, "}")
            exits = step.parts.flatMap { draw($0.steps, from: [End(node: own, label: $0.name)]) }
        case .each:
            own = node("[", label, "]")
            count += 1
            open("each\(count)", "each element")
            exits = step.parts.flatMap { draw($0.steps, from: [End(node: own)]) }
            close()
        }
        connect(ends, to: own)
        exits += step.others.flatMap { draw($0.steps, from: [End(node: own, label: $0.name, isDotted: true)]) }
        return exits
    }

    // MARK: Text

    private mutating func line(_ text: String) { lines.append(margin + text) }

    private mutating func open(_ name: String, _ title: String) {
        line("subgraph \(name)[\"\(Self.escape(title))\"]")
        margin += "    "
    }

    private mutating func close() {
        margin.removeLast(4)
        line("end")
    }

    private mutating func node(_ open: String, _ label: String, _ close: String, named name: String? = nil) -> String {
        if name == nil { count += 1 }
        let name = name ?? "step\(count)"
        line("\(name)\(open)\"\(Self.escape(label))\"\(close)")
        return name
    }

    private mutating func connect(_ ends: [End], to node: String) {
        for end in ends {
            let label = end.label.map { "|\"\(Self.escape($0))\"|" } ?? ""
            line("\(end.node) \(end.isDotted ? "-.->" : "-->")\(label) \(node)")
        }
    }

    /// A label's text: what means something to Mermaid or in HTML becomes a numeric entity. Colons are among them because Mermaid takes a
    /// `style` with a colon and an entity behind it for a style; and so is a letter of `direction`, which is looked for in whole lines.
    private static func escape(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "<br/>"
            case "\"", "#", "%", "&", ":", ";", "<", ">", "\\", "`": result += "#\(scalar.value);"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result.replacing("direction", with: "#100;irection")
    }
}
