import Glibc
import Runnable

/// A `headgate mock` process.
final class MockUpstream: Sendable {
    let process: Subprocess
    let port: Int

    /// Starts with options such as `--tokens 5`, and waits until it listens.
    convenience init(_ options: String..., port: Int = 0) throws { try self.init(options: options, port: port) }

    /// The same with a list of options.
    init(options: [String], port: Int = 0) throws {
        let arguments = options.flatMap { $0.split(separator: " ", maxSplits: 1).map(String.init) }
        let process = try Subprocess(Headgate.path, ["mock", "--listen", "127.0.0.1:\(port)"] + arguments)
        self.process = process
        self.port = try eventually("the mock does not listen: \(process.stderr)") {
            if let ending = process.poll() { throw NotYet(description: "it ended: \(ending) \(process.stderr)") }
            guard let line = process.stdout.split(separator: "\n").first else { return nil }
            return line.split(separator: ":").last.flatMap { Int($0) }
        }
    }

    /// What it counted.
    struct Stats: Equatable {
        var requests: Int
        var concurrent: Int
        var tokens: Int
        var completed: Int
        var cancelled: Int
        /// Open ones, that of the question included.
        var connections: Int
    }

    func stats() throws -> Stats {
        let connection = try RawConnection(port: port)
        try connection.get("/stats")
        let value = try Value(parsing: connection.reply().text)
        func number(_ key: String) throws -> Int {
            guard let number = value[key]?.integer else { throw NotYet(description: "no \(key) in \(value)") }
            return number
        }
        return try Stats(
            requests: number("requests"),
            concurrent: number("concurrent"),
            tokens: number("tokens"),
            completed: number("completed"),
            cancelled: number("cancelled"),
            connections: number("connections")
        )
    }

    /// Waits until what it counted looks as wanted.
    @discardableResult
    func stats(_ what: String, until condition: (Stats) -> Bool) throws -> Stats {
        var last: Stats?
        return try eventually("the mock never saw \(what): \(last as Any)") {
            let stats = try stats()
            last = stats
            return condition(stats) ? stats : nil
        }
    }

    /// A backend's settings that lead here.
    func backend(_ more: String = "") -> String {
        "{dialect: openai, url: \"http://127.0.0.1:\(port)/v1\"\(more.isEmpty ? "" : ", " + more)}"
    }

    /// A configuration with one route at `/` that leads here, and more top-level keys.
    func configuration(
        _ backend: String = "",
        output: String = "text",
        route: String = "",
        loops: Int = 1,
        more: String = ""
    ) -> String {
        """
        loops: \(loops)
        backends:
          mock: \(self.backend(backend))
        models:
          demo: {backend: mock, model: demo}
        routes:
          /: {model: demo, output: \(output)\(route.isEmpty ? "" : ", " + route)}
        \(more)
        """
    }
}
