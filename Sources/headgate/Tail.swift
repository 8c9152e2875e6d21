import ArgumentParser
import EventLoop
import Gateway
import Glibc
import Runnable

/// Prints what ends in a service, also over handovers: then the new process is followed beside the old one. Says on standard error what
/// becomes of the processes.
final class Tail {
    private let client: AdminClient
    private let target: String
    private let print: (String) throws -> Void
    private var followers: [AdminFollower] = []
    /// The process that has handed over, and when to give its successor up.
    private var leaving: (pid: Int, until: MonotonicTime)?

    /// How long a new process may take to put its socket in the old one's place.
    private static let patience = Duration.seconds(10)
    private static let interval = Duration.milliseconds(50)

    /// - Parameter print: gets each record's line.
    init(client: AdminClient, target: String, print: @escaping (String) throws -> Void) {
        self.client = client
        self.target = target
        self.print = print
    }

    /// Until nobody is left to follow, or to read.
    ///
    /// - Throws: `ExitCode.failure`, always.
    func run() throws {
        followers = [try client.orExit { client throws(AdminClient.Failure) in try AdminFollower(client.path, target) }]
        while !followers.isEmpty || leaving != nil {
            guard waitForSomething() else { throw ExitCode.failure }
            for follower in followers { try read(follower) }
            if let leaving { followSuccessor(of: leaving.pid, until: leaving.until) }
        }
        throw ExitCode.failure
    }

    /// False when the reader of what is printed has gone: nothing may ever come that a write would tell it by.
    private func waitForSomething() -> Bool {
        var entries = [pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)]
        entries += followers.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        let limit = leaving == nil ? Duration.seconds(5) : Tail.interval
        poll(&entries, nfds_t(entries.count), Int32(clamping: limit.wholeMilliseconds))
        return entries[0].revents == 0
    }

    private func read(_ follower: AdminFollower) throws {
        let lines: [String]?
        do throws(AdminClient.Failure) {
            lines = try follower.read()
        } catch {
            return drop(follower, "\(error)")
        }
        guard let lines else { return drop(follower, "process \(follower.pid) has ended") }
        for line in lines where !isHandover(line) { try print(line) }
    }

    private func drop(_ follower: AdminFollower, _ reason: String) {
        followers.removeAll { $0 === follower }
        StandardError.write(reason + "\n")
    }

    /// Takes note when a line is no record but says that another process serves now.
    private func isHandover(_ line: String) -> Bool {
        guard line.contains("handed_over"), let value = try? Value(parsing: line),
            value["msg"]?.string == "handed_over", let from = value["from"]?.integer, let to = value["to"]?.integer
        else { return false }
        StandardError.write("process \(from) hands over to process \(to)\n")
        leaving = (from, .now + Tail.patience)
        return true
    }

    /// The new process puts its socket in the place of the old one's a moment after it was told that it may.
    private func followSuccessor(of pid: Int, until end: MonotonicTime) {
        if let status = try? client.get("/status", patience: .seconds(2)), let next = status.value["pid"]?.integer,
            next != pid, let follower = try? AdminFollower(client.path, target)
        {
            followers.append(follower)
            leaving = nil
            StandardError.write("following process \(next)\n")
        } else if MonotonicTime.now > end {
            leaving = nil
            StandardError.write("\(client.path): the new process is not found there\n")
        }
    }
}
