import Gateway
import Glibc

/// Reloads, one at a time, whoever asks: SIGHUP or the admin socket.
actor Reloads {
    private let control: ServiceControl
    private let handover: HandoverServer?
    private var last: Task<ReloadOutcome, Never>?

    /// - Parameter handover: where the next process asks for the sockets.
    init(_ control: ServiceControl, _ handover: HandoverServer?) {
        self.control = control
        self.handover = handover
    }

    /// Reloads, unless another process has the sockets already, which has read its configuration.
    ///
    /// - Returns: nil where it does.
    func reloadUnlessReplaced(isTrial: Bool) async -> ReloadOutcome? {
        if await handover?.isGiving == true { return nil }
        return isTrial ? await control.tryReload() : await reload()
    }

    /// Reloads, behind those that were asked for before.
    @discardableResult
    func reload() async -> ReloadOutcome {
        handover?.reloadWasAsked()
        let before = last
        let control = control
        let task = Task {
            _ = await before?.value
            return await control.reload()
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
            await reloads.reloadUnlessReplaced(isTrial: $0)
        }
    }
}
