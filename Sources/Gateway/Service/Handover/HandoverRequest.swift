import EventLoop
import Glibc

/// Asks a running service to replace itself: for `headgate handover`.
public enum HandoverRequest {
    /// Longer than a new process may take.
    private static let limit = Duration.seconds(90)
    /// A process may hand over, and close its socket, while somebody waits to be heard: the next one is asked then.
    private static let attempts = 3

    /// Asks at a handover socket, and waits until a new process serves. Blocks for up to 90 seconds.
    ///
    /// - Returns: the new process's id.
    /// - Throws: ``HandoverError`` with the reason why there is none; `LoopError` when the path cannot be used.
    public static func send(to path: String) throws -> Int32 {
        for _ in 1..<attempts {
            if let pid = try ask(path) { return pid }
        }
        if let pid = try ask(path) { return pid }
        throw HandoverError("the process at \(path) ended the conversation: it is stopping, or not ours to ask")
    }

    /// Nil when the other side ended the conversation without an answer.
    private static func ask(_ path: String) throws -> Int32? {
        guard let descriptor = try MessageSocket.connect(path: path) else {
            throw HandoverError("nobody serves at \(path)")
        }
        defer { Socket.close(descriptor) }
        MessageSocket.setTimeout(limit, of: descriptor)
        MessageSocket.send("handover", on: descriptor)
        switch MessageSocket.receive(on: descriptor) {
        case .end: return nil
        case .nothing: throw HandoverError("no answer from \(path) for \(limit)")
        case .message(let text, let descriptors):
            for descriptor in descriptors { Socket.close(descriptor) }
            if text.hasPrefix("done "), let pid = pid_t(text.dropFirst(5)) { return pid }
            throw HandoverError(text.hasPrefix("failed ") ? String(text.dropFirst(7)) : text)
        }
    }
}
