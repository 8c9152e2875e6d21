/// The requests that one loop is running, in no order. On the loop.
final class LiveRequests {
    private(set) var reports: [RunReport] = []

    /// How many there are.
    var count: Int { reports.count }

    /// A request begins to run.
    func insert(_ report: RunReport) {
        report.place = reports.count
        reports.append(report)
    }

    /// It has ended; does nothing for one that is not here.
    func remove(_ report: RunReport) {
        guard let place = report.place else { return }
        report.place = nil
        let last = reports.removeLast()
        guard last !== report else { return }
        reports[place] = last
        last.place = place
    }
}
