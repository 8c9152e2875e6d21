/// The table of `headgate top`, as wide as there is room.
public enum TopTable {
    /// The titles, and a line for each request.
    ///
    /// What does not fit is shortened and left out, the least important first. Ids are shortened to what tells the shown ones
    /// apart, and at least 8 characters.
    ///
    /// - Parameters:
    ///   - width: characters of a line.
    ///   - isColored: whether states get colours (ANSI).
    public static func lines(_ rows: [RequestRow], width: Int, isColored: Bool) -> [String] {
        var table = Columns(columns: [])
        for step in Narrowing.allCases {
            table = Columns(columns: columns(rows, step))
            if table.width <= width { break }
        }
        return table.lines(width: width, isColored: isColored)
    }

    /// What is given up for room; each step includes those before it.
    private enum Narrowing: Int, CaseIterable, Comparable {
        case none, shortIDs, noClient, shortStates, shortNames, noUpstream, noRate, noEndpoint

        static func < (left: Narrowing, right: Narrowing) -> Bool { left.rawValue < right.rawValue }
    }

    private static func columns(_ rows: [RequestRow], _ step: Narrowing) -> [Columns.Column] {
        typealias Column = Columns.Column
        let names = step < .shortNames ? 40 : 14
        var columns = [
            Column(title: "ID", cells: step < .shortIDs ? rows.map { $0.id.terminalSafe.cut(to: 40) } : shortIDs(rows)),
            Column(title: "ROUTE", cells: rows.map { $0.route.terminalSafe.cut(to: names) }),
        ]
        if step < .noEndpoint { columns.append(Column(title: "ENDPOINT", cells: rows.map(\.endpoint))) }
        if step < .noUpstream {
            columns.append(
                Column(title: "UPSTREAM", cells: rows.map { ($0.upstream ?? "-").terminalSafe.cut(to: names) })
            )
        }
        columns += [
            Column(title: "AGE", cells: rows.map { ShortText.duration(milliseconds: $0.age) }, isRight: true),
            Column(
                title: "STATE",
                cells: rows.map { row in
                    let state = step < .shortStates ? row.state.rawValue : row.state.short
                    return row.draining == nil ? state : "\(state), draining"
                },
                color: { rows[$0].state.color }
            ),
            Column(title: "TOKENS", cells: rows.map { "\($0.tokens)" }, isRight: true),
        ]
        if step < .noRate {
            let rates = rows.map { $0.tokensPerSecond.map { ShortText.tenth($0) } ?? "-" }
            columns.append(Column(title: "TOK/S", cells: rates, isRight: true))
        }
        columns.append(Column(title: "WAITING", cells: rows.map { ShortText.bytes($0.pendingBytes) }, isRight: true))
        if step < .noClient { columns.append(Column(title: "CLIENT", cells: rows.map(\.client.terminalSafe))) }
        return columns
    }

    private static let shortestID = 8

    private static func shortIDs(_ rows: [RequestRow]) -> [String] {
        let ids = rows.map(\.id.terminalSafe)
        var length = shortestID
        let longest = ids.reduce(0) { max($0, $1.count) }
        while length < min(longest, 40), Set(ids.map { $0.prefix(length) }).count < Set(ids).count { length += 4 }
        return ids.map { String($0.prefix(length)) }
    }
}

extension RequestRow.State {
    fileprivate var short: String {
        switch self {
        case .queued: "queued"
        case .waitingForHead: "head"
        case .waitingForFirstToken: "1st token"
        case .streaming: "streaming"
        case .blockedOnClient: "blocked"
        case .running: "running"
        }
    }

    fileprivate var color: String? {
        switch self {
        case .queued, .waitingForHead, .waitingForFirstToken: "\u{1B}[36m"
        case .streaming: "\u{1B}[32m"
        case .blockedOnClient: "\u{1B}[33m"
        case .running: nil
        }
    }
}
