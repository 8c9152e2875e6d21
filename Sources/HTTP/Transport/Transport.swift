import EventLoop
import Glibc
import TLS

/// One connected socket, plain or TLS, with the bytes that wait to leave it.
///
/// Owns the descriptor. Lives on one loop, as part of the actor that drives it; its callbacks run in that actor's isolation.
/// Nothing is written where it is produced: bytes are appended to ``outbox`` and leave in one write before the loop waits
/// again, so that a head and its first chunk, or all that one upstream read brought, share a segment.
final class Transport: BeforePoll {
    /// How the receiving side ended.
    enum End: Equatable, CustomStringConvertible {
        /// The peer finished sending in the orderly way. It may still be reading.
        case finished
        /// A TLS peer's socket ended without close_notify: what it sent may be cut short.
        case truncated
        /// Reset, or a TLS failure: nothing can be sent either.
        case failed(TransportError)

        var description: String {
            switch self {
            case .finished: "the peer closed the connection"
            case .truncated: "the connection ended without close_notify"
            case .failed(let error): error.description
            }
        }
    }

    /// What the driver wants to hear of.
    struct Callbacks {
        /// Plain bytes arrived; lent for the call.
        var onBytes: (UnsafeRawBufferPointer) -> Void
        /// The receiving side ended. Called once, and once more with `.failed` when a connection breaks after its orderly end.
        var onEnd: (End) -> Void
        /// The peer finished sending, behind bytes that wait until reading goes on; see ``pauseReading(watchingForEnd:)``.
        var onEndAhead: () -> Void = {}
        /// The kernel took bytes again after it had refused them.
        var onProgress: () -> Void
        /// The TLS handshake is done; never called on a plain socket.
        var onSecured: () -> Void
    }

    let loop: EventLoop
    private let descriptor: Int32
    private let tls: TLSEngine?
    private let readsAfterSendFailure: Bool
    private let traffic: Traffic
    private var readWatcher: Watcher?
    private var writeWatcher: Watcher?
    private var endWatcher: Watcher?  // while reading is paused
    private var callbacks: Callbacks?

    /// Plain bytes to send; call ``prepareOutbox()``, append, then call ``scheduleFlush()``.
    var outbox: [UInt8] = []
    private var sentOfOutbox = 0
    private var cipher: [UInt8] = []  // encrypted bytes the kernel has not taken yet
    private var sentOfCipher = 0

    private var isFlushScheduled = false
    private var finishesAfterFlush = false
    private var wantsReading = true
    private var sawEndAhead = false
    private var readingEnded = false
    private var sendFailure: Int32?
    private(set) var isSecured: Bool
    private(set) var isClosed = false
    /// Bytes given to the kernel since the connection began, of the plain text on a plain socket.
    private(set) var bytesSent: UInt64 = 0

    /// An outbox that grew beyond this is freed when it has been sent, a smaller one left to the loop: connections that have nothing to
    /// send hold no room for it.
    private static let keptCapacity = 4096

    /// - Parameters:
    ///   - readsAfterSendFailure: whether a failed write leaves reading to find the end, and what the peer said before it; else the
    ///     failure is the end.
    ///   - traffic: counts what is moved.
    init(loop: EventLoop, descriptor: Int32, tls: TLSEngine?, readsAfterSendFailure: Bool, traffic: Traffic) {
        self.loop = loop
        self.descriptor = descriptor
        self.tls = tls
        self.readsAfterSendFailure = readsAfterSendFailure
        self.traffic = traffic
        isSecured = tls == nil
    }

    deinit { assert(isClosed, "Transport dropped without close()") }

    /// Starts reading; for TLS, also the handshake.
    ///
    /// - Throws: `LoopError` when the loop cannot watch the descriptor.
    func start(_ callbacks: Callbacks) throws(LoopError) {
        self.callbacks = callbacks
        let watcher = try Watcher(on: loop, descriptor: descriptor, interest: .readable) { [unowned self] in readable()
        }
        readWatcher = watcher
        try watcher.resume()
        if tls != nil { advanceHandshake() }
    }

    // MARK: Sending

    /// Bytes that the kernel has not taken yet.
    var pendingBytes: Int { outbox.count - sentOfOutbox + cipher.count - sentOfCipher }

    /// Takes room for ``outbox``, which has none between two writes.
    func prepareOutbox() {
        if outbox.capacity == 0 { outbox = loop.takeSpare() }
    }

    /// Has ``outbox`` written before the loop waits again.
    func scheduleFlush() {
        guard !isFlushScheduled, !isClosed else { return }
        isFlushScheduled = true
        loop.beforePoll(self)
    }

    func beforePoll() {
        isFlushScheduled = false
        flush()
    }

    /// Sends our end-of-file once everything in ``outbox`` has left.
    func finishSending() {
        finishesAfterFlush = true
        scheduleFlush()
    }

    /// Writes as much as the kernel takes, and waits for room if that is not all.
    func flush() {
        // A socket that was full says itself when it has room.
        guard writeWatcher?.isActive != true else { return }
        writeOut()
    }

    private func roomCame() {
        writeOut()
        callbacks?.onProgress()
    }

    private func writeOut() {
        guard !isClosed else { return }
        guard sendFailure == nil else { return dropUnsent() }
        if let tls {
            if isSecured, sentOfOutbox < outbox.count {
                guard encrypt(with: tls) else { return }
            }
            flushCipher(tls)
        } else {
            sendOutbox()
        }
        guard !isClosed, isSecured, sendFailure == nil else { return }
        if pendingBytes > 0 {
            waitForRoom()
        } else {
            writeWatcher?.pause()
            if finishesAfterFlush { sendEndOfFile() }
        }
    }

    private func sendOutbox() {
        while sentOfOutbox < outbox.count {
            let outcome = outbox.withUnsafeBytes { bytes in
                Socket.write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[sentOfOutbox...]))
            }
            switch outcome {
            case .bytes(let count):
                sentOfOutbox += count
                bytesSent += UInt64(count)
                traffic.sent &+= count
            case .wouldBlock:
                dropSentPrefix()
                return
            case .endOfFile: return
            case .failed(let number): return sendingFailed(number)
            }
        }
        emptyOutbox()
    }

    private func encrypt(with tls: TLSEngine) -> Bool {
        let failure: TLSError? = outbox.withUnsafeBytes { bytes in
            do throws(TLSError) {
                try tls.write(UnsafeRawBufferPointer(rebasing: bytes[sentOfOutbox...]))
                return nil
            } catch {
                return error
            }
        }
        emptyOutbox()
        if let failure { fail(.tls(failure)) }
        return failure == nil
    }

    private func flushCipher(_ tls: TLSEngine) {
        while true {
            if sentOfCipher == cipher.count {
                cipher = tls.takeOutbound()
                sentOfCipher = 0
                if cipher.isEmpty { return }
            }
            let outcome = cipher.withUnsafeBytes { bytes in
                Socket.write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[sentOfCipher...]))
            }
            switch outcome {
            case .bytes(let count):
                sentOfCipher += count
                bytesSent += UInt64(count)
                traffic.sent &+= count
            case .wouldBlock: return waitForRoom()
            case .endOfFile: return
            case .failed(let number): return sendingFailed(number)
            }
        }
    }

    private func emptyOutbox() {
        sentOfOutbox = 0
        var sent: [UInt8] = []
        swap(&sent, &outbox)
        guard 1...Transport.keptCapacity ~= sent.capacity else { return }
        sent.removeAll(keepingCapacity: true)
        loop.giveBack(sent)
    }

    /// Moves the rest to the front once the sent part is the larger one: each byte moves at most once.
    private func dropSentPrefix() {
        guard sentOfOutbox > outbox.count / 2 else { return }
        outbox.removeFirst(sentOfOutbox)
        sentOfOutbox = 0
    }

    private func waitForRoom() {
        do throws(LoopError) {
            if writeWatcher == nil {
                writeWatcher = try Watcher(on: loop, descriptor: descriptor, interest: .writable) { [unowned self] in
                    roomCame()
                }
            }
            try writeWatcher?.resume()
        } catch {
            fail(.broken(error.number))
        }
    }

    private func sendEndOfFile() {
        if let tls {
            tls.shutdown()
            flushCipher(tls)
            guard !isClosed, pendingBytes == 0 else { return }
        }
        finishesAfterFlush = false
        Socket.shutdownWrite(descriptor)
    }

    /// The peer takes nothing any more. What it said before it broke off (an early refusal of a large body, say) may still
    /// wait to be read, with the end behind it: reading goes on, and finds both.
    private func sendingFailed(_ number: Int32) {
        sendFailure = number
        dropUnsent()
        writeWatcher?.pause()
        let endIsToCome = number == EPIPE || number == ECONNRESET
        if !readsAfterSendFailure || !endIsToCome || readingEnded || !wantsReading { fail(.broken(number)) }
    }

    private func dropUnsent() {
        outbox = []
        cipher = []
        sentOfOutbox = 0
        sentOfCipher = 0
    }

    // MARK: Receiving

    var isReadingPaused: Bool { !wantsReading }

    /// Stops reading: the kernel's buffer fills, and the peer has to wait.
    ///
    /// - Parameter watchingForEnd: whether to look out for the peer's end all the same: a reset is told at once, an orderly end as
    ///   `onEndAhead`. An end that does not fit into the kernel's buffer either cannot be seen.
    func pauseReading(watchingForEnd: Bool = false) {
        wantsReading = false
        guard !readingEnded else { return }
        readWatcher?.pause()
        guard watchingForEnd, endWatcher == nil else { return }
        // Edge-triggered: the bytes that wait, and the end itself, would keep any other waking the loop.
        endWatcher = try? Watcher(on: loop, descriptor: descriptor, interest: .readableEdge) { [unowned self] in
            lookAhead()
        }
        try? endWatcher?.resume()
    }

    /// Reads again.
    func resumeReading() {
        wantsReading = true
        stopLookingAhead()
        if !readingEnded { try? readWatcher?.resume() }
    }

    private func lookAhead() {
        switch Socket.hangUp(descriptor) {
        case .none: return
        case .finished:
            guard !sawEndAhead else { return }
            sawEndAhead = true
            callbacks?.onEndAhead()
        case .broken(let number): fail(.broken(number))
        }
    }

    private func stopLookingAhead() {
        endWatcher?.cancel()
        endWatcher = nil
    }

    private func readable() {
        let buffer = loop.readBuffer
        switch Socket.read(descriptor, into: buffer) {
        case .bytes(let count):
            traffic.received &+= count
            guard !readingEnded else { return }
            let bytes = UnsafeRawBufferPointer(start: buffer.baseAddress, count: count)
            if let tls {
                receive(bytes, with: tls)
            } else {
                callbacks?.onBytes(bytes)
            }
        case .wouldBlock: return
        case .endOfFile:
            if readingEnded { return checkForReset() }
            if let tls {
                tls.receivedEnd()
                guard isSecured else { return advanceHandshake() }
                endReading(.truncated)
            } else {
                endReading(.finished)
            }
        case .failed(let number): fail(.broken(number))
        }
    }

    private func receive(_ ciphertext: UnsafeRawBufferPointer, with tls: TLSEngine) {
        tls.withReceived(ciphertext) {
            if !isSecured { advanceHandshake() }
            let plain = loop.scratchBuffer
            while isSecured, !isClosed, !readingEnded {
                switch tls.read(into: plain) {
                case .done(let count):
                    callbacks?.onBytes(UnsafeRawBufferPointer(start: plain.baseAddress, count: count))
                case .needsMoreBytes:
                    if tls.hasOutbound { scheduleFlush() }
                    return
                case .closed: return endReading(.finished)
                case .failed(let error):
                    flushCipher(tls)  // the alert that says why
                    return fail(.tls(error))
                }
            }
        }
    }

    private func advanceHandshake() {
        guard let tls else { return }
        let step = tls.handshake()
        if tls.hasOutbound { flushCipher(tls) }
        guard !isClosed else { return }
        switch step {
        case .needsMoreBytes: return
        case .done:
            guard !isSecured else { return }
            isSecured = true
            callbacks?.onSecured()
            if pendingBytes > 0 { scheduleFlush() }
        case .failed(let error): fail(.tls(error))
        }
    }

    /// After the end a level-triggered watch would fire for ever; an edge-triggered one still tells of a reset, which is how
    /// a client that only finished sending differs from one that has gone.
    private func endReading(_ end: End) {
        guard !readingEnded else { return }
        if let sendFailure { return fail(.broken(sendFailure)) }
        readingEnded = true
        readWatcher?.cancel()
        readWatcher = nil
        stopLookingAhead()
        // Over TLS the peer announces its end before its socket has one, which is news of its own; see `lookForMore`.
        if tls != nil, !sawEndAhead { sawEndAhead = Socket.hangUp(descriptor) == .finished }
        callbacks?.onEnd(end)
        guard !isClosed else { return }
        let watcher = try? Watcher(on: loop, descriptor: descriptor, interest: .readableEdge) { [unowned self] in
            lookForMore()
        }
        readWatcher = watcher
        try? watcher?.resume()
    }

    private func checkForReset() {
        let number = Socket.pendingError(descriptor)
        if number != 0 { fail(.broken(number)) }
    }

    /// A TLS peer that has said goodbye may close its socket any time later, having read all that was sent to it meanwhile: nothing
    /// but the socket's end tells of that.
    private func lookForMore() {
        let number = Socket.pendingError(descriptor)
        if number != 0 { return fail(.broken(number)) }
        if tls != nil, !sawEndAhead { lookAhead() }
    }

    private func fail(_ error: TransportError) {
        guard !isClosed, let callbacks else { return }
        readingEnded = true
        readWatcher?.cancel()
        readWatcher = nil
        writeWatcher?.cancel()
        writeWatcher = nil
        stopLookingAhead()
        callbacks.onEnd(.failed(error))
    }

    // MARK: Closing

    /// Bytes of ours that the peer's kernel has acknowledged; nil where that cannot be known (Unix sockets).
    var acknowledgedBytes: UInt64? { Socket.acknowledgedBytes(descriptor) }

    /// Closes at once; unsent bytes are lost. Safe to call twice.
    ///
    /// - Parameter reset: the peer gets a reset instead of an orderly end, so it cannot take what it has for the whole.
    func close(reset: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        readWatcher?.cancel()
        readWatcher = nil
        writeWatcher?.cancel()
        writeWatcher = nil
        stopLookingAhead()
        callbacks = nil
        dropUnsent()
        if reset { Socket.reset(descriptor) } else { Socket.close(descriptor) }
    }
}

/// Why a socket is of no more use.
enum TransportError: Error, Equatable, CustomStringConvertible {
    /// A system call failed; the value is `errno`.
    case broken(Int32)
    /// TLS failed.
    case tls(TLSError)

    var description: String {
        switch self {
        case .broken(let number): LoopError.text(of: number)
        case .tls(let error): error.description
        }
    }
}
