import CLibevent
import Glibc

/// Whether this process ends with the one that started it.
public enum ParentDeath {
    /// Has the kernel kill this process when the thread that started it ends, or takes that back.
    ///
    /// The kernel keeps this for each thread: take it back on the thread that asked for it, and ask on one that lives as long as the
    /// process (the signal of a thread that is gone is not sent).
    public static func endsProcess(_ does: Bool) { _ = clev_set_parent_death_signal(does ? SIGKILL : 0) }
}
