import Glibc
import Runnable
import Synchronization

/// An upstream in the test process: each connection has a thread, and the test decides every byte.
final class ThreadedUpstream: Sendable {
    /// One request to it, and the connection to answer on.
    struct Exchange {
        let head: String
        let body: Value
        fileprivate let descriptor: Int32

        /// The text of the last message.
        var prompt: String { body["messages"]?.array?.last?["content"]?.string ?? "" }
        var isStreamed: Bool { body["stream"]?.bool ?? false }

        /// Whether the other side is still there.
        var isOpen: Bool {
            var byte: UInt8 = 0
            let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
            return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
        }

        func send(_ bytes: [UInt8]) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }

        func send(_ text: String) { send(Array(text.utf8)) }

        /// A whole JSON response that keeps the connection.
        func respond(_ status: Int, _ body: String, fields: String = "") {
            send(
                "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n"
                    + body
            )
        }

        /// A whole chat completion with this text.
        func complete(_ text: String) {
            respond(
                200,
                """
                {"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":\
                {"role":"assistant","content":\(Value.string(text))},"finish_reason":"stop"}]}
                """
            )
        }
    }

    /// What becomes of the connection.
    enum Afterwards {
        case keep
        case close
        case reset
    }

    let port: Int
    private let listener: ListeningDescriptor

    init(_ answer: @escaping @Sendable (Exchange) -> Afterwards) throws {
        let (descriptor, port) = try listeningSocket(backlog: 1024)
        let listener = ListeningDescriptor(descriptor)
        self.listener = listener
        self.port = port
        onThread {
            while true {
                let accepted = accept(listener.number, nil, nil)
                guard accepted >= 0 else {
                    if errno == EINTR || errno == ECONNABORTED { continue }
                    return
                }
                _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
                var one: Int32 = 1
                setsockopt(accepted, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
                onThread { ThreadedUpstream.serve(accepted, answer) }
            }
        }
    }

    deinit { shutdown(listener.number, Int32(SHUT_RDWR)) }  // ends the accepting thread

    /// Closed when both the upstream and its accepting thread have let go: that thread would else accept for whoever gets the
    /// number next.
    private final class ListeningDescriptor: Sendable {
        let number: Int32
        init(_ number: Int32) { self.number = number }
        deinit { close(number) }
    }

    private static func serve(_ descriptor: Int32, _ answer: (Exchange) -> Afterwards) {
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            while let (exchange, length) = request(bytes, descriptor) {
                bytes.removeFirst(length)
                switch answer(exchange) {
                case .keep: continue
                case .close: return
                case .reset:
                    var linger = linger(l_onoff: 1, l_linger: 0)
                    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
                    return
                }
            }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            bytes.append(contentsOf: buffer[..<count])
        }
    }

    private static func request(_ bytes: [UInt8], _ descriptor: Int32) -> (Exchange, length: Int)? {
        let pattern: [UInt8] = [13, 10, 13, 10]
        guard bytes.count > 4,
            let end = (0...bytes.count - 4).first(where: { bytes[$0..<$0 + 4].elementsEqual(pattern) })
        else { return nil }
        let head = String(decoding: bytes[..<end], as: UTF8.self)
        var length = 0
        for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length:") {
            length = line.split(separator: " ").last.flatMap { Int($0) } ?? 0
        }
        guard bytes.count >= end + 4 + length else { return nil }
        let body = String(decoding: bytes[(end + 4)..<(end + 4 + length)], as: UTF8.self)
        return (
            Exchange(head: head, body: (try? Value(parsing: body)) ?? .null, descriptor: descriptor), end + 4 + length
        )
    }
}
