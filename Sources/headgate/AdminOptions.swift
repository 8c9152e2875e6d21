import ArgumentParser
import Gateway
import Glibc

/// Where the daemon's admin socket is.
struct AdminOptions: ParsableArguments {
    /// Where the packaged unit's socket is.
    static let systemSocket = "/run/headgate/admin.sock"
    /// Says where the socket is, for shells that always mean the same daemon.
    static let variable = "HEADGATE_ADMIN_SOCKET"

    @Option(
        help: """
            The daemon's admin socket. Without it: the one of the configuration given with --config, else $\(AdminOptions.variable), \
            else \(AdminOptions.systemSocket), else admin.socket of \(ConfigurationOptions.systemFile).
            """,
        completion: .file()
    )
    var socket: String?

    @Option(
        name: .shortAndLong,
        help: """
            Speak to the daemon that serves this configuration: at its admin.socket, else /run/headgate-NAME/admin.sock for \
            /etc/headgate/NAME.yaml.
            """,
        completion: .file(extensions: ["yaml", "yml"])
    )
    var config: String?

    /// A client of the daemon; connects with each call.
    ///
    /// - Throws: `ExitCode.failure`, with a line on standard error, when `--config` leads to no socket or to another daemon's.
    func client() throws -> AdminClient {
        if socket == nil, let config {
            do {
                let environment = ConfigurationOptions.environmentVariables()
                let client = AdminClient(path: try ServiceSockets.admin(of: config, environment: environment))
                try client.expect(configuration: config)
                return client
            } catch {
                StandardError.write("\(error)\n")
                throw ExitCode.failure
            }
        }
        return AdminClient(path: path)
    }

    private var path: String {
        if let socket { return socket }
        if let variable = getenv(AdminOptions.variable).map({ String(cString: $0) }), !variable.isEmpty {
            return variable
        }
        if access(AdminOptions.systemSocket, F_OK) == 0 { return AdminOptions.systemSocket }
        let environment = ConfigurationOptions.environmentVariables()
        let path = try? ServiceSockets.admin(of: ConfigurationOptions.systemFile, environment: environment)
        return path ?? AdminOptions.systemSocket
    }
}

extension ExitCode {
    /// The daemon drains.
    static let draining = ExitCode(3)
    /// One of the daemon's loops does not answer.
    static let stuck = ExitCode(4)
}

extension AdminClient {
    /// Runs `body`; a daemon that cannot be reached, or refuses, is a line on standard error and exit code 1.
    func orExit<Result>(_ body: (AdminClient) throws(Failure) -> Result) throws -> Result {
        do throws(Failure) {
            return try body(self)
        } catch {
            StandardError.write("\(error)\n")
            throw ExitCode.failure
        }
    }
}

extension AdminClient.Reply {
    /// A refusal is a line on standard error and exit code 1.
    func expectSuccess() throws {
        guard status != 200 else { return }
        StandardError.write("\(error)\n")
        throw ExitCode.failure
    }
}

/// Standard output, unbuffered: followers see lines as they come.
enum StandardOutput {
    /// - Throws: as ``write(_:)-([UInt8])``.
    static func write(_ text: String) throws { try write(Array(text.utf8)) }

    /// - Throws: `ExitCode.failure` when not all of it can be written; with a line on standard error, unless the reader is gone.
    static func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                if errno != EPIPE { StandardError.write("standard output: \(String(cString: strerror(errno)))\n") }
                throw ExitCode.failure
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Whether colours are welcome: on a terminal that has them, unless NO_COLOR says otherwise (no-color.org).
    static var isColored: Bool {
        isatty(STDOUT_FILENO) == 1 && !Terminal.isDumb && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true)
    }
}

/// A duration such as 500ms or 10s on the command line.
struct DurationArgument: ExpressibleByArgument {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        guard let duration = DurationText.parse(argument) else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { "\(duration.components.seconds)s" }
}
