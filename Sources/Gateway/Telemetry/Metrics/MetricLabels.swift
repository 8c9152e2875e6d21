import Runnable

/// Places of closed sets in arrays of counters.
enum MetricLabels {
    /// Classes of statuses: `none` before there was one, then `1xx` to `5xx`.
    static let statusClasses = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"]

    static func statusClass(_ status: Int) -> Int { max(0, min(status / 100, 5)) }

    /// How requests end.
    static let outcomes = AccessRecord.Outcome.allCases.map(\.rawValue)

    /// `error.type`: nothing for a success, then each class of errors.
    static let errorTypes: [String?] = [nil] + RunError.Code.allCases.map(\.rawValue)
    private static let errorPlaces = Dictionary(
        uniqueKeysWithValues: RunError.Code.allCases.enumerated().map { ($1, $0 + 1) }
    )

    static func errorType(_ code: RunError.Code?) -> Int {
        guard let code else { return 0 }
        return errorPlaces[code] ?? 0
    }

    /// `gen_ai.token.type`: the conventions' two, and parts of them that upstreams tell.
    static let tokenTypes = ["input", "output", "cache_read", "reasoning"]
}

extension AccessRecord.Outcome {
    /// Its place in ``MetricLabels/outcomes``.
    var place: Int {
        switch self {
        case .ok: 0
        case .clientGone: 1
        case .clientError: 2
        case .upstreamError: 3
        case .timeout: 4
        case .truncated: 5
        case .rejected: 6
        case .shuttingDown: 7
        case .killed: 8
        case .internalError: 9
        }
    }
}
