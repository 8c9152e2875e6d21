import HTTP
import Providers
import WorkerPool

/// What the loops of one mock server share.
final class MockService: Sendable {
    let script: MockScript
    let stats = MockStats()
    private let requestNumber = MockCounter()
    private let servers = Locked<[HTTPServer]>([])
    private let places = Locked<[Place: Int]>([:])

    /// Requests with equal statuses and keys go through their statuses together.
    private struct Place: Hashable {
        let statuses: [MockScript.Status]
        let key: String
    }

    /// Scripts of which the place is kept; with more of them all begin again.
    private static let maximumPlaces = 10_000

    init(script: MockScript) { self.script = script }

    func add(_ server: HTTPServer) { servers.withLock { $0.append(server) } }

    /// Told in a field of the response, since bodies are the same for the same request.
    func nextRequestNumber() -> Int { requestNumber.next() }

    /// The status of the next request with this script.
    func nextStatus(_ script: MockScript) -> Int {
        guard !script.statuses.isEmpty else { return 200 }
        let place = Place(statuses: script.statuses, key: script.key)
        let number = places.withLock { places in
            if places.count >= MockService.maximumPlaces { places = [:] }
            defer { places[place, default: 0] += 1 }
            return places[place, default: 0]
        }
        return script.status(ofRequest: number)
    }

    func reset() {
        stats.reset()
        places.withLock { $0 = [:] }
    }

    /// Connections open now and accepted ever.
    func connections() async -> (open: Int, accepted: Int) {
        var open = 0
        var accepted = 0
        for server in servers.withLock({ $0 }) {
            open += await server.connectionCount
            accepted += await server.acceptedConnections
        }
        return (open, accepted)
    }
}
