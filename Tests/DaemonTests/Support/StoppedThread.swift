import Glibc

/// One thread of a child process, stopped as if it were stuck, while the others go on. On one thread of the test, whose end lets it
/// go on at the latest.
final class StoppedThread {
    private let number: pid_t

    /// Stops the thread of this name.
    init(_ name: String, of pid: pid_t) throws {
        number = try eventually("no thread \(name)") {
            StoppedThread.threads(of: pid).first { text(of: "/proc/\(pid)/task/\($0)/comm") == name + "\n" }
        }
        guard trace(0x4206) == 0, trace(0x4207) == 0 else {  // PTRACE_SEIZE, PTRACE_INTERRUPT
            throw NotYet(description: "cannot stop \(name): errno \(errno)")
        }
        try eventually("\(name) does not stop") { processState(number) == "t" }
    }

    func goOn() { _ = trace(17) }  // PTRACE_DETACH

    private static func threads(of pid: pid_t) -> [pid_t] {
        var found: [pid_t] = []
        guard let directory = opendir("/proc/\(pid)/task") else { return [] }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let number = pid_t(name) { found.append(number) }
        }
        return found
    }

    /// The kernel's call: ptrace(2) has variable arguments, which Swift does not call.
    private func trace(_ request: Int) -> Int {
        typealias Trace = @convention(c) (Int, Int, Int, Int) -> Int
        guard let symbol = dlsym(nil, "ptrace") else { return -1 }
        return unsafeBitCast(symbol, to: Trace.self)(request, Int(number), 0, 0)
    }
}
