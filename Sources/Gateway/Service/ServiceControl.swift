public import EventLoop
public import Logging

/// What can be asked of a running service, by signals and by operators' commands: one place, so that all of them do and say the same.
///
/// Its methods may be called from anywhere; they take turns.
public actor ServiceControl {
    /// The service.
    public nonisolated let gateway: Gateway
    private let manager: ServiceManager
    private let logger: Logger
    private let load: @Sendable () throws(ConfigurationErrors) -> Configuration
    private var note: String?
    private var lastStatus = ""

    /// How often ``keepStatus(on:)`` looks.
    private static let statusInterval = Duration.seconds(3)

    /// - Parameter load: reads the configuration that a reload puts in force.
    public init(
        gateway: Gateway,
        manager: ServiceManager,
        logger: Logger,
        load: @escaping @Sendable () throws(ConfigurationErrors) -> Configuration
    ) {
        self.gateway = gateway
        self.manager = manager
        self.logger = logger
        self.load = load
    }

    // MARK: Reloading

    /// Reads the configuration and the certificates again and puts them in force: all, or nothing. The log, the service manager and the
    /// result say what has changed, or why nothing has.
    public func reload() async -> ReloadOutcome {
        manager.reloading()
        let result: ReloadOutcome
        do throws(ConfigurationErrors) {
            let next = try load()
            let difference = try await gateway.reload(next)
            for warning in next.warnings { logger.warning("configuration", metadata: ["reason": "\(warning)"]) }
            for change in difference.changes {
                logger.notice(
                    "configuration changed",
                    metadata: [
                        "key": "\(change.key)", "from": "\(change.old ?? "(absent)")",
                        "to": "\(change.new ?? "(absent)")",
                    ]
                )
            }
            logger.notice("configuration reloaded", metadata: ["changes": .stringConvertible(difference.changes.count)])
            note = nil
            result = ReloadOutcome(succeeded: true, text: "\(difference)")
        } catch {
            result = failed(error)
        }
        // What is stopping has said so, and is ready no more.
        guard !gateway.isStopping else { return result }
        lastStatus = await status()
        manager.ready(status: lastStatus)
        return result
    }

    /// Does what a reload does short of putting anything in force. Log, metrics and status tell of mistakes as a reload's: somebody
    /// wanted one.
    public func tryReload() async -> ReloadOutcome {
        do throws(ConfigurationErrors) {
            return ReloadOutcome(succeeded: true, text: "\(try await gateway.tryReload(try load()))")
        } catch {
            let result = failed(error)
            lastStatus = await status()
            manager.status(lastStatus)
            return result
        }
    }

    private func failed(_ error: ConfigurationErrors) -> ReloadOutcome {
        gateway.reloadFailed()
        for mistake in error.errors {
            logger.error("configuration not reloaded", metadata: ["reason": "\(mistake)"])
        }
        note = "reload failed, still serving the old configuration: \(error.errors.first?.description ?? "")"
        return ReloadOutcome(succeeded: false, text: "\(error)")
    }

    // MARK: Status

    /// What the service does, in one line, as `systemctl status` shows it.
    ///
    /// - Parameter word: `serving` or `draining`.
    public func status(_ word: String = "serving") async -> String {
        let activity = await gateway.activity()
        return ["\(word): \(activity)", note].compactMap { $0 }.joined(separator: "; ")
    }

    /// Tells the service manager that the service takes requests.
    public func ready() async {
        lastStatus = await status()
        manager.ready(status: lastStatus)
    }

    /// Tells the service manager every few seconds what the service does, where that has changed. Runs until its task is cancelled.
    ///
    /// - Parameters:
    ///   - loop: where the task that calls this runs; not one that serves.
    ///   - word: as for ``status(_:)``.
    public func keepStatus(on loop: EventLoop, _ word: String = "serving") async {
        while !Task.isCancelled {
            let status = await status(word)
            if status != lastStatus, !Task.isCancelled {
                lastStatus = status
                manager.status(status)
            }
            try? await loop.sleep(for: ServiceControl.statusInterval)
        }
    }
}
