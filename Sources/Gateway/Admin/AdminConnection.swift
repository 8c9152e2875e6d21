import EventLoop
import Glibc
import HTTP
import Runnable

/// One connection to a daemon, closed with its last reference.
final class AdminConnection {
    let descriptor: Int32
    let path: String

    init(_ path: String) throws(AdminClient.Failure) {
        self.path = path
        do throws(LoopError) {
            descriptor = try Socket.connect(toUnix: path)
        } catch {
            throw .unreachable(path: path, number: error.number, reason: String(cString: strerror(error.number)))
        }
    }

    deinit { Socket.close(descriptor) }

    func reply(_ status: Int, _ body: [UInt8]) -> AdminClient.Reply {
        AdminClient.Reply(
            status: status,
            body: body,
            value: (try? Value(parsing: String(decoding: body, as: UTF8.self))) ?? .null,
            pid: Socket.peerCredentials(descriptor)?.pid ?? 0
        )
    }

    func send(
        _ method: HTTPMethod,
        _ target: String,
        _ body: [UInt8],
        _ deadline: MonotonicTime
    ) throws(AdminClient.Failure) {
        guard let target = RequestTarget(checking: target) else { throw .noAnswer("\(target) is no target") }
        var bytes: [UInt8] = []
        HTTPEncoder.appendRequestHead(
            method: method,
            target: target,
            fields: ["host": "headgate", "content-type": "application/json"],
            framing: method == .post ? .length(body.count) : .none,
            to: &bytes
        )
        bytes += body
        var sent = 0
        while sent < bytes.count {
            let outcome = bytes.withUnsafeBytes {
                Socket.write(descriptor, UnsafeRawBufferPointer(rebasing: $0[sent...]))
            }
            switch outcome {
            case .bytes(let count): sent += count
            case .wouldBlock: try wait(POLLOUT, until: deadline)
            case .endOfFile, .failed: throw .noAnswer("\(path): the daemon closed the connection")
            }
        }
    }

    /// Reads one response.
    ///
    /// - Parameters:
    ///   - deadline: for all of it.
    ///   - take: gets the status and each part of the body; false ends it here.
    /// - Returns: the status.
    func receive(
        responseTo method: HTTPMethod,
        until deadline: MonotonicTime,
        _ take: (Int, UnsafeRawBufferPointer) -> Bool
    ) throws(AdminClient.Failure) -> Int {
        var decoder = ResponseDecoder()
        decoder.expect(responseTo: method)
        var status = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            switch Socket.read(descriptor, into: buffer) {
            case .bytes(let count):
                var input = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                do {
                    while let event = try decoder.next(&input) {
                        switch event {
                        case .informational: continue
                        case .head(let head): status = head.status
                        case .body(let part): if !take(status, part) { return status }
                        case .end: return status
                        }
                    }
                } catch {
                    throw .noAnswer("\(path): this is no daemon of ours: \(error)")
                }
            case .wouldBlock: try wait(POLLIN, until: deadline)
            case .endOfFile, .failed: throw .noAnswer("\(path): the daemon closed the connection")
            }
        }
    }

    /// Blocks until the descriptor is ready.
    func wait(_ events: Int32, until deadline: MonotonicTime) throws(AdminClient.Failure) {
        while true {
            let left = (deadline - .now).wholeMilliseconds
            guard left > 0 else { throw .noAnswer("\(path): the daemon does not answer") }
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            if poll(&entry, 1, Int32(clamping: left + 1)) > 0 { return }
        }
    }
}
