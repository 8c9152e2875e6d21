import Glibc
import Synchronization

/// The manager's side of `NOTIFY_SOCKET`. Reads all the time, as a manager does: a full queue would stop who writes.
final class NotifySocket: Sendable {
    let path: String
    private let descriptor: Int32
    private let messages = Mutex<[String]>([])
    private let place = Mutex<Int>(0)

    init(in directory: TemporaryDirectory, name: String = "notify") throws {
        path = directory.file(name)
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.descriptor = descriptor
        let result = withUnixAddress(path) { bind(descriptor, $0, $1) }
        guard result == 0 else { throw NotYet(description: "bind: errno \(errno)") }
        onThread { [weak self] in
            var buffer = [UInt8](repeating: 0, count: 8192)
            while true {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0, let self else { break }
                let message = String(decoding: buffer[..<count], as: UTF8.self)
                self.messages.withLock { $0.append(message) }
            }
            close(descriptor)
        }
    }

    /// Wakes the reader, which then closes the socket.
    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Every message so far up to the last that was waited for.
    var heard: [String] {
        let end = place.withLock { $0 }
        return messages.withLock { Array($0[..<end]) }
    }

    /// Waits until a message behind those waited for before has this line.
    func hear(_ line: String) throws {
        try eventually("no \(line), but \(messages.withLock { $0 })") {
            let start = place.withLock { $0 }
            let found = messages.withLock { messages in
                messages[start...].firstIndex { $0.split(separator: "\n").contains(Substring(line)) }
            }
            guard let found else { return false }
            place.withLock { $0 = found + 1 }
            return true
        }
    }
}
