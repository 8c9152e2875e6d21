import Glibc

/// The state of a process as `/proc` tells it, such as `S`, `T` (stopped) or `Z` (ended, not reaped); empty when there is none.
func processState(_ pid: pid_t) -> String {
    // The name in brackets may hold anything.
    let words = text(of: "/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
    return words.first.map(String.init) ?? ""
}

/// Stops a process as if it were stuck. The signal takes effect a moment after it was sent, and then for all threads.
func stopAndWait(_ pid: pid_t) throws {
    kill(pid, SIGSTOP)
    try eventually("\(pid) does not stop") { processState(pid) == "T" }
}

/// Whether a process ignores SIGPIPE, as a daemon does from when it has read its configuration.
func ignoresBrokenPipes(_ pid: pid_t) -> Bool {
    for line in text(of: "/proc/\(pid)/status").split(separator: "\n") where line.hasPrefix("SigIgn:") {
        let signals = line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0
        return signals & (1 << (UInt64(SIGPIPE) - 1)) != 0
    }
    return false
}
