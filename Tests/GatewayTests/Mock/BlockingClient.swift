import Glibc
import HTTP
import WorkerPool

/// A client with blocking calls that sees every byte and how a connection ends.
struct BlockingClient {
    /// How the server's side ended.
    enum End: Equatable {
        case closed
        case reset
    }

    /// What came on a connection up to its end.
    struct Exchange {
        var bytes: [UInt8]
        var end: End

        var text: String { String(decoding: bytes, as: UTF8.self) }

        /// What an HTTP client makes of the bytes; nil for the error stands for a proper end.
        var decoded: (status: Int?, fields: HTTPFields, body: [UInt8], error: HTTPParseError.Reason?) {
            var decoder = ResponseDecoder()
            decoder.expect(responseTo: .post)
            var result: (status: Int?, fields: HTTPFields, body: [UInt8], error: HTTPParseError.Reason?) = (
                nil, [:], [], nil
            )
            do {
                let hasEnded = try bytes.withUnsafeBytes { bytes in
                    var input = bytes
                    while let event = try decoder.next(&input) {
                        switch event {
                        case .informational: continue
                        case .head(let head): (result.status, result.fields) = (head.status, head.fields)
                        case .body(let part): result.body.append(contentsOf: part)
                        case .end: return true
                        }
                    }
                    return false
                }
                if !hasEnded { _ = try decoder.finish() }
            } catch {
                result.error = (error as? HTTPParseError)?.reason
            }
            return result
        }
    }

    struct Failure: Error {
        let call: String
        let number = errno
    }

    let port: UInt16

    /// A chat completion request's bytes.
    static func request(_ body: String, script: String? = nil, closes: Bool = true) -> String {
        """
        POST /v1/chat/completions HTTP/1.1\r
        host: mock\r
        content-length: \(body.utf8.count)\r
        \(closes ? "connection: close\r\n" : "")\(script.map { "x-mock: \($0)\r\n" } ?? "")\r
        \(body)
        """
    }

    /// Sends `request` and reads to the end.
    func exchange(_ request: String) async throws -> Exchange {
        let port = port
        return try await WorkerPool.shared.run {
            let connection = try Connection(port: port)
            try connection.send(request)
            return try connection.readToEnd()
        }
    }

    /// Sends `request`, reads until `mark` has come, and closes.
    func leave(_ request: String, after mark: String) async throws {
        let port = port
        try await WorkerPool.shared.run {
            let connection = try Connection(port: port)
            try connection.send(request)
            try connection.read(until: mark)
        }
    }

    /// A chat completion with this `x-mock`.
    func complete(_ body: String, script: String? = nil) async throws -> Exchange {
        try await exchange(BlockingClient.request(body, script: script))
    }
}

/// One socket; closed when dropped.
private final class Connection {
    private let descriptor: Int32

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw BlockingClient.Failure(call: "socket") }
        var limit = timeval(tv_sec: 30, tv_usec: 0)  // so that a hanging server fails a test instead of all tests
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw BlockingClient.Failure(call: "connect") }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        var text = text
        let sent = text.withUTF8 { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard sent == text.utf8.count else { throw BlockingClient.Failure(call: "send") }
    }

    func readToEnd() throws -> BlockingClient.Exchange {
        var bytes: [UInt8] = []
        while true {
            guard let part = try read() else { return .init(bytes: bytes, end: .reset) }
            if part.isEmpty { return .init(bytes: bytes, end: .closed) }
            bytes.append(contentsOf: part)
        }
    }

    func read(until mark: String) throws {
        var text = ""
        while !text.contains(mark) {
            guard let part = try read(), !part.isEmpty else { throw BlockingClient.Failure(call: "read \(mark)") }
            text += String(decoding: part, as: UTF8.self)
        }
    }

    /// Empty at the end, nil for a reset.
    private func read() throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count >= 0 { return Array(buffer[..<count]) }
        guard errno == ECONNRESET else { throw BlockingClient.Failure(call: "recv") }
        return nil
    }
}
