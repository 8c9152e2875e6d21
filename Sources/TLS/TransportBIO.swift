import COpenSSL

/// The OpenSSL side of an engine's two byte queues: a BIO whose reads and writes are the engine's own arrays.
///
/// Compared with memory BIOs this saves one copy each way and lets go of memory as soon as it is empty.
enum TransportBIO {
    /// BIO_METHOD *, never freed. Not checked: made once under the runtime's lock, only read afterwards.
    private nonisolated(unsafe) static let method: OpaquePointer? = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "headgate transport"),
            BIO_meth_set_read_ex(method, readTransport) == 1,
            BIO_meth_set_write_ex(method, writeTransport) == 1,
            BIO_meth_set_ctrl(method, controlTransport) == 1
        else { return nil }
        return method
    }()

    /// A BIO that reads from and writes to `engine`, which must outlive it; the caller owns it.
    static func make(for engine: TLSEngine) -> OpaquePointer? {
        guard let method, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(engine).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }
}

/// The only flags this BIO ever raises: nothing to read now, but there may be later.
private let readLater = BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY

private func engine(behind bio: OpaquePointer?) -> Unmanaged<TLSEngine>? {
    BIO_get_data(bio).map { Unmanaged<TLSEngine>.fromOpaque($0) }
}

private func readTransport(
    _ bio: OpaquePointer?,
    _ destination: UnsafeMutablePointer<CChar>?,
    _ capacity: Int,
    _ got: UnsafeMutablePointer<Int>?
) -> Int32 {
    BIO_clear_flags(bio, readLater)
    guard let destination, let engine = engine(behind: bio) else { return 0 }
    let count = engine._withUnsafeGuaranteedRef { engine -> Int in
        let count = engine.takeInbound(UnsafeMutableRawBufferPointer(start: destination, count: capacity))
        // Never an end of file: that would kill the connection for writing too. The engine judges the end itself.
        if count == 0 { BIO_set_flags(bio, readLater) }
        return count
    }
    got?.pointee = count
    return count > 0 ? 1 : 0
}

private func writeTransport(
    _ bio: OpaquePointer?,
    _ source: UnsafePointer<CChar>?,
    _ count: Int,
    _ written: UnsafeMutablePointer<Int>?
) -> Int32 {
    BIO_clear_flags(bio, readLater)
    guard let source, let engine = engine(behind: bio) else { return 0 }
    engine._withUnsafeGuaranteedRef { $0.appendOutbound(UnsafeRawBufferPointer(start: source, count: count)) }
    written?.pointee = count
    return 1
}

private func controlTransport(
    _ bio: OpaquePointer?,
    _ command: Int32,
    _ number: Int,
    _ pointer: UnsafeMutableRawPointer?
) -> Int {
    switch command {
    case BIO_CTRL_FLUSH, BIO_CTRL_DUP: 1
    default: 0
    }
}
