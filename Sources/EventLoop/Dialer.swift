import CLibevent
import Glibc

/// Opens one connection to the first of several addresses that answers (RFC 8305, "happy eyeballs").
///
/// Lives on the loop. Calls `completion` exactly once, unless cancelled before: with a connected, non-blocking descriptor that the
/// caller then owns, or with the last failure. It sets no limit of its own: whoever dials cancels when it has waited enough.
public final class Dialer {
    /// Head start of each address over the next (RFC 8305, section 8, recommends 250 ms).
    public static let attemptDelay = Duration.milliseconds(250)

    private let loop: EventLoop
    private var waiting: ArraySlice<SocketAddress>
    private var attempts: [Int32: Watcher] = [:]
    private var timer: LoopTimer?
    private var completion: ((Result<Int32, LoopError>) -> Void)?
    private var lastError = LoopError("connect: no address", number: 0)

    /// Starts dialling; `completion` may be called before this returns.
    public init(
        on loop: EventLoop,
        addresses: [SocketAddress],
        completion: @escaping (Result<Int32, LoopError>) -> Void
    ) {
        self.loop = loop
        waiting = addresses[...]
        self.completion = completion
        startNext()
    }

    deinit { assert(completion == nil, "Dialer dropped before it ended") }

    /// Gives up; `completion` is not called any more.
    public func cancel() {
        completion = nil
        tidy()
    }

    private func startNext() {
        while completion != nil, let address = waiting.popFirst() {
            let descriptor = clev_socket(address.family, Int32(SOCK_STREAM.rawValue))
            guard descriptor >= 0 else {
                lastError = LoopError("open socket for \(address)")
                continue
            }
            guard !DescriptorLimit.isKeptBack(descriptor) else {
                Glibc.close(descriptor)
                lastError = LoopError("open socket for \(address), keeping the last descriptors back", number: EMFILE)
                continue
            }
            if address.family != AF_UNIX { Socket.setNoDelay(descriptor) }
            switch Socket.connect(descriptor, to: address) {
            case .bytes:
                finish(.success(descriptor))
                return
            case .wouldBlock:
                if follow(descriptor, address) { return }
            case .failed(let number):
                lastError = LoopError("connect to \(address)", number: number)
                Glibc.close(descriptor)
            case .endOfFile:
                Glibc.close(descriptor)
            }
        }
        if attempts.isEmpty { finish(.failure(lastError)) }
    }

    /// Waits for an attempt under way; false when the loop cannot watch it.
    private func follow(_ descriptor: Int32, _ address: SocketAddress) -> Bool {
        do throws(LoopError) {
            let watcher = try Watcher(on: loop, descriptor: descriptor, interest: .writable) { [unowned self] in
                attemptEnded(descriptor, address)
            }
            attempts[descriptor] = watcher
            try watcher.resume()
        } catch {
            attempts.removeValue(forKey: descriptor)?.cancel()
            Glibc.close(descriptor)
            lastError = error
            return false
        }
        if !waiting.isEmpty {
            let timer = self.timer ?? LoopTimer(on: loop) { [unowned self] in startNext() }
            self.timer = timer
            timer.arm(after: Dialer.attemptDelay)
        }
        return true
    }

    private func attemptEnded(_ descriptor: Int32, _ address: SocketAddress) {
        attempts.removeValue(forKey: descriptor)?.cancel()
        let number = Socket.pendingError(descriptor)
        if number == 0 {
            finish(.success(descriptor))
        } else {
            lastError = LoopError("connect to \(address)", number: number)
            Glibc.close(descriptor)
            startNext()
        }
    }

    private func finish(_ result: Result<Int32, LoopError>) {
        guard let completion else { return }
        self.completion = nil
        tidy()
        completion(result)
    }

    private func tidy() {
        waiting = []
        timer?.cancel()
        timer = nil
        for (descriptor, watcher) in attempts {
            watcher.cancel()
            Glibc.close(descriptor)
        }
        attempts = [:]
    }
}
