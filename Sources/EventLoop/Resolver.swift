import CLibevent
import Glibc
import WorkerPool

/// Turns host names into addresses with `getaddrinfo` on the blocking pool, so that `nsswitch.conf` and `/etc/hosts` count, and
/// remembers the answers.
///
/// Any thread. Concurrent questions for one name share one look-up. At most ``capacity`` names are remembered.
public final class Resolver: Sendable {
    /// How long an answer is used. `getaddrinfo` tells no time to live; half a minute follows a DNS change soon enough and
    /// costs one look-up per name in thousands of requests.
    public static let timeToLive = Duration.seconds(30)
    /// How long a failure is remembered, so that a dead name does not fill the blocking pool.
    public static let failureTimeToLive = Duration.seconds(1)
    /// Names remembered.
    public static let capacity = 1024

    /// The process's resolver.
    public static let shared = Resolver()

    private struct Answer {
        let result: Result<[SocketAddress], LoopError>
        let expires: MonotonicTime
    }

    private let answers = Locked<[String: Answer]>([:])
    private let pending = Locked<[String: Task<Result<[SocketAddress], LoopError>, Never>]>([:])

    private let now: @Sendable () -> MonotonicTime
    private let ask: @Sendable (String) -> Result<[SocketAddress], LoopError>

    /// Makes a resolver with an empty memory.
    public convenience init() { self.init(now: { .now }, ask: Resolver.systemLookUp) }

    /// For tests: another clock, and another answer than the system's; `ask` runs on the blocking pool.
    init(
        now: @escaping @Sendable () -> MonotonicTime,
        ask: @escaping @Sendable (String) -> Result<[SocketAddress], LoopError>
    ) {
        self.now = now
        self.ask = ask
    }

    /// The addresses of `host`, families alternating (RFC 8305, section 4), each with `port`. IP literals cost nothing.
    ///
    /// - Throws: ``LoopError`` saying why the name has no address.
    public func resolve(_ host: String, port: UInt16) async throws(LoopError) -> [SocketAddress] {
        if let literal = SocketAddress(host: host, port: port) { return [literal] }
        if let answer = remembered(host) { return try answer.get().map { $0.withPort(port) } }
        let lookUp = pending.withLock { pending in
            if let running = pending[host] { return running }
            let task = Task.detached { await self.lookUp(host) }
            pending[host] = task
            return task
        }
        return try await lookUp.value.get().map { $0.withPort(port) }
    }

    /// A fresh answer for `host`, if there is one: lets callers skip a suspension.
    func remembered(_ host: String) -> Result<[SocketAddress], LoopError>? {
        answers.withLock { answers in
            guard let answer = answers[host], now() < answer.expires else { return nil }
            return answer.result
        }
    }

    private func lookUp(_ host: String) async -> Result<[SocketAddress], LoopError> {
        let result: Result<[SocketAddress], LoopError>
        do {
            result = try await WorkerPool.shared.run { [ask] in ask(host) }
        } catch {
            result = .failure(LoopError("resolve \(host): the blocking pool is full", number: EAGAIN))
        }
        let lives: Duration =
            switch result {
            case .success: Resolver.timeToLive
            case .failure: Resolver.failureTimeToLive
            }
        answers.withLock { answers in
            if answers.count >= Resolver.capacity { answers.removeAll(keepingCapacity: true) }
            answers[host] = Answer(result: result, expires: now() + lives)
        }
        pending.withLock { _ = $0.removeValue(forKey: host) }
        return result
    }

    @Sendable private static func systemLookUp(_ host: String) -> Result<[SocketAddress], LoopError> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else {
            let reason = gai_strerror(status).map { String(cString: $0) } ?? "error \(status)"
            return .failure(LoopError("resolve \(host): \(reason)", number: status == EAI_SYSTEM ? errno : 0))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = list
        while let current = entry {
            entry = current.pointee.ai_next
            guard let address = current.pointee.ai_addr else { continue }
            var storage = sockaddr_storage()
            memcpy(&storage, address, Int(current.pointee.ai_addrlen))
            if let parsed = SocketAddress(storage, length: current.pointee.ai_addrlen) { addresses.append(parsed) }
        }
        guard !addresses.isEmpty else { return .failure(LoopError("resolve \(host): no address", number: 0)) }
        return .success(interleaved(addresses))
    }

    /// Alternates families, starting with the one the system put first.
    static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
        guard let first = addresses.first else { return [] }
        var preferred = addresses.filter { $0.family == first.family }[...]
        var other = addresses.filter { $0.family != first.family }[...]
        var result: [SocketAddress] = []
        while !preferred.isEmpty || !other.isEmpty {
            if let next = preferred.popFirst() { result.append(next) }
            if let next = other.popFirst() { result.append(next) }
        }
        return result
    }
}
