import Gateway
import Glibc

/// Reloads, one at a time, whoever asks: SIGHUP or the admin socket.
actor Reloads {
    private let reloadOnce: @Sendable () async -> ReloadOutcome
    private var last: Task<ReloadOutcome, Never>?

    init(_ reloadOnce: @escaping @Sendable () async -> ReloadOutcome) { self.reloadOnce = reloadOnce }

    /// Reloads, behind those that were asked for before.
    func reload() async -> ReloadOutcome {
        let before = last
        let reloadOnce = reloadOnce
        let task = Task {
            _ = await before?.value
            return await reloadOnce()
        }
        last = task
        return await task.value
    }
}

extension AdminActions {
    /// What the daemon does when its admin socket is asked to.
    ///
    /// - Parameter channel: leads to the process that has started this one and is what an operator would stop, as long as it is there.
    init(_ reloads: Reloads, _ channel: SupervisorChannel?) {
        self.init {
            channel?.supervisor ?? getpid()
        } reload: {
            await reloads.reload()
        }
    }
}
