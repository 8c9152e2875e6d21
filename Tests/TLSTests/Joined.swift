import TestAuthority
import Testing

@testable import TLS

/// A client and a server engine joined in memory, with no more than `chunk` bytes handed over at a time.
final class Joined {
    let client: TLSEngine
    let server: TLSEngine
    /// How many bytes of ciphertext one `receive` carries.
    var chunk: Int
    /// Whether ciphertext is lent (`withReceived`) rather than copied (`receive`).
    var lends = false
    private var toServer: [UInt8] = []
    private var toClient: [UInt8] = []

    init(client: TLSContext, server: TLSContext, serverName: String = "localhost", chunk: Int = .max) throws {
        self.client = try TLSEngine(context: client, role: .client(serverName: serverName))
        self.server = try TLSEngine(context: server, role: .server)
        self.chunk = chunk
    }

    /// Runs both handshakes to their ends.
    func handshake() -> (client: TLSEngine.Step, server: TLSEngine.Step) {
        var steps = (client: client.handshake(), server: TLSEngine.Step.needsMoreBytes)
        while true {
            toServer += client.takeOutbound()
            toClient += server.takeOutbound()
            if toServer.isEmpty && toClient.isEmpty { return steps }
            if !toServer.isEmpty { steps.server = carry(&toServer, to: server) { server.handshake() } }
            if !toClient.isEmpty { steps.client = carry(&toClient, to: client) { client.handshake() } }
        }
    }

    /// Carries everything that `sender` has to send and gives what the receiver could read from it.
    func transfer(from sender: TLSEngine, readSize: Int = 16384) -> (bytes: [UInt8], last: TLSEngine.ReadResult) {
        let receiver = sender === client ? server : client
        var wire = sender.takeOutbound()
        var bytes: [UInt8] = []
        var last = receiver.drain(into: &bytes, readSize: readSize)
        while !wire.isEmpty {
            last = carry(&wire, to: receiver) { receiver.drain(into: &bytes, readSize: readSize) }
        }
        return (bytes, last)
    }

    private func carry<R>(_ wire: inout [UInt8], to engine: TLSEngine, _ body: () -> R) -> R {
        let piece = Array(wire.prefix(chunk))
        wire.removeFirst(piece.count)
        return piece.withUnsafeBytes { bytes in
            if lends { return engine.withReceived(bytes, body) }
            engine.receive(bytes)
            return body()
        }
    }
}

extension TLSEngine {
    /// Reads until there is nothing to read, and says how that was put.
    func drain(into bytes: inout [UInt8], readSize: Int = 16384) -> ReadResult {
        withUnsafeTemporaryAllocation(byteCount: readSize, alignment: 1) { buffer in
            while true {
                let result = read(into: buffer)
                guard case .done(let count) = result else { return result }
                bytes.append(contentsOf: buffer[..<count])
            }
        }
    }

    func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }

    func write(_ text: String) throws {
        try write(Array(text.utf8))
    }
}

extension TestAuthority {
    /// A server context with a new certificate.
    func server(
        name: String? = "localhost",
        ip: [String] = [],
        notBefore: Duration = .seconds(-3600),
        notAfter: Duration = .seconds(86400),
        selfSigned: Bool = false,
        alpn: [String] = ["http/1.1"]
    ) throws -> TLSContext {
        let identity = try issue(
            name: name,
            ip: ip,
            notBefore: notBefore,
            notAfter: notAfter,
            selfSigned: selfSigned
        )
        return try .server(
            certificateChainFile: identity.certificateFile,
            privateKeyFile: identity.keyFile,
            alpn: alpn
        )
    }

    /// A client context that trusts this authority alone.
    func client(alpn: [String] = ["http/1.1"]) throws -> TLSContext {
        try .client(.init(trustRootsFile: caFile, alpn: alpn))
    }
}

/// The code of a failed step.
func code(_ step: TLSEngine.Step) -> TLSError.Code? {
    if case .failed(let error) = step { return error.code }
    return nil
}

/// The code of a failed read.
func code(_ result: TLSEngine.ReadResult) -> TLSError.Code? {
    if case .failed(let error) = result { return error.code }
    return nil
}

/// Bytes that repeat with no power of two, so that a piece put in the wrong place shows.
func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 % 251) }
}
