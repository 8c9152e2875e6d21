import WorkerPool

/// The running child tasks of a batch by index, so that some of them can be cancelled; a task group can only cancel all.
final class SiblingTasks: Sendable {
    /// `cancel()` may be called from any task as long as this one lives, and it leaves the table before it ends.
    private struct Running: @unchecked Sendable {
        let task: UnsafeCurrentTask
    }

    private struct State {
        var running: [Int: Running] = [:]
        var lastWanted = Int.max
    }

    private let state = Locked(State())

    /// To be called by the child task itself, before its work. It finds itself cancelled if it is no longer wanted.
    func enter(_ index: Int, _ task: UnsafeCurrentTask?) {
        guard let task else { return }
        let running = Running(task: task)
        state.withLock { state in
            if index > state.lastWanted { running.task.cancel() }
            state.running[index] = running
        }
    }

    /// To be called by the child task itself, after its work.
    func leave(_ index: Int) {
        state.withLock { _ = $0.running.removeValue(forKey: index) }
    }

    /// Cancels the tasks after `index`, those that have yet to enter too.
    ///
    /// Happens with the lock held, so that no task ends meanwhile; cancellation handlers must not wait for siblings.
    func cancel(after index: Int) {
        state.withLock { state in
            state.lastWanted = min(state.lastWanted, index)
            for (other, running) in state.running where other > index { running.task.cancel() }
        }
    }
}
