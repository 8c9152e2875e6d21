/// Texts in columns for a terminal. Everything is ASCII when it comes out: what comes from callers must not move the cursor.
struct Columns {
    /// One column.
    struct Column {
        var title: String
        var cells: [String]
        var isRight = false
        /// Adds colour to a cell that is as wide as it will be; nil leaves it plain.
        var color: ((_ row: Int) -> String?)?
        var width: Int { cells.reduce(title.count) { max($0, $1.count) } }
    }

    var columns: [Column]

    /// Blanks between two columns.
    private static let gap = 2

    var width: Int { columns.reduce(0) { $0 + $1.width } + Columns.gap * max(0, columns.count - 1) }

    /// The titles, and a line for each row; cut at `width` where they are longer.
    func lines(width limit: Int, isColored: Bool) -> [String] {
        let widths = columns.map(\.width)
        let fits = width <= limit
        let count = columns.first?.cells.count ?? 0
        var lines = [line(columns.map(\.title), widths, limit, row: nil)]
        if isColored { lines[0] = "\u{1B}[1m\(lines[0])\u{1B}[0m" }
        for row in 0..<count {
            lines.append(line(columns.map { $0.cells[row] }, widths, limit, row: isColored && fits ? row : nil))
        }
        return lines
    }

    private func line(_ cells: [String], _ widths: [Int], _ limit: Int, row: Int?) -> String {
        var text = ""
        for (place, cell) in cells.enumerated() {
            let column = columns[place]
            let isLast = place == cells.count - 1
            let fill = String(repeating: " ", count: max(0, widths[place] - cell.count))
            var shown = cell
            if let row, let color = column.color?(row) { shown = "\(color)\(cell)\u{1B}[0m" }
            text += column.isRight ? fill + shown : isLast ? shown : shown + fill
            if !isLast { text += String(repeating: " ", count: Columns.gap) }
        }
        return row == nil && text.count > limit ? String(text.prefix(limit)) : text
    }
}

extension String {
    /// Visible ASCII: everything else becomes a question mark.
    var terminalSafe: String {
        String(String.UnicodeScalarView(unicodeScalars.map { 0x20...0x7E ~= $0.value ? $0 : "?" }))
    }

    /// At most `count` characters; a longer one loses its end to a `~`.
    func cut(to count: Int) -> String { self.count <= count ? self : prefix(max(0, count - 1)) + "~" }
}

/// Numbers as people read them in a narrow column.
enum ShortText {
    /// `420ms`, `4.0s`, `12s`, `3m05s`, `2h10m`, `4d02h`.
    static func duration(milliseconds: Int) -> String {
        let seconds = milliseconds / 1000
        switch seconds {
        case ..<1: return "\(milliseconds)ms"
        case ..<10: return "\(seconds).\(milliseconds % 1000 / 100)s"
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m\(twoDigits(seconds % 60))s"
        case ..<86_400: return "\(seconds / 3600)h\(twoDigits(seconds / 60 % 60))m"
        default: return "\(seconds / 86_400)d\(twoDigits(seconds / 3600 % 24))h"
        }
    }

    /// `0`, `512`, `12K`, `3.4M`: binary thousands.
    static func bytes(_ count: Int) -> String {
        switch count {
        case ..<1024: return "\(count)"
        case ..<(1 << 20): return "\(count >> 10)K"
        default: return "\(tenth(Double(count) / Double(1 << 20)))M"
        }
    }

    /// One digit behind the point.
    static func tenth(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
