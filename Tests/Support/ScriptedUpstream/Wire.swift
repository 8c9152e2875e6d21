import Glibc

/// One accepted connection, used by its own thread alone.
final class Wire: @unchecked Sendable {  // @unchecked: handed to one thread and used by no other
    let descriptor: Int32
    /// Close with a reset.
    var isReset = false
    private(set) var peerEnded = false
    private var buffer: [UInt8] = []

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The next request; nil when the connection ends before one is whole.
    func readRequest() -> (head: String, body: String)? {
        while true {
            if let request = takeRequest() { return request }
            guard readMore() else { return nil }
        }
    }

    func readToEnd() { while readMore() {} }

    func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { pointer in
                send(descriptor, pointer.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else {
                peerEnded = true
                return false
            }
            sent += count
        }
        return true
    }

    func close() {
        if isReset {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        }
        Glibc.close(descriptor)
    }

    private func readMore() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else {
            peerEnded = true
            return false
        }
        buffer.append(contentsOf: chunk[..<count])
        return true
    }

    private func takeRequest() -> (head: String, body: String)? {
        let text = String(decoding: buffer, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        let head = String(text[..<end.lowerBound])
        let length = head.split(separator: "\r\n").compactMap { line -> Int? in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "content-length" else { return nil }
            return Int(parts[1].filter { $0 != " " })
        }
        let start = head.utf8.count + 4
        let total = start + (length.first ?? 0)
        guard buffer.count >= total else { return nil }
        let body = String(decoding: buffer[start..<total], as: UTF8.self)
        buffer.removeFirst(total)
        return (head, body)
    }
}
