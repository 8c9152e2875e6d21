import COpenSSL
import Synchronization

/// The newest session of each server, shared by all connections of one client context; any thread.
///
/// A session is handed out again until a newer one replaces it: servers accept that, and from one gateway to one
/// upstream there is nobody to hide the link between connections from. What is stored and what is handed out are
/// copies, because OpenSSL marks a connection's own session as used up as soon as it has resumed (TLS 1.3) or broken.
final class SessionCache: Sendable {
    /// One reference to a session that no connection uses.
    ///
    /// Unchecked: nothing writes to it, and OpenSSL counts references atomically.
    final class Session: @unchecked Sendable {
        private let raw: OpaquePointer  // SSL_SESSION *, owned

        /// A copy of a connection's session; nil when it cannot be resumed or memory is out.
        init?(copying raw: OpaquePointer) {
            guard SSL_SESSION_is_resumable(raw) == 1, let copy = SSL_SESSION_dup(raw) else { return nil }
            self.raw = copy
        }

        deinit { SSL_SESSION_free(raw) }

        /// Has a connection offer this session when its handshake starts.
        func offer(on ssl: OpaquePointer) {
            guard let copy = SSL_SESSION_dup(raw) else { return }
            SSL_set_session(ssl, copy)
            SSL_SESSION_free(copy)
        }
    }

    private struct Entry {
        var session: Session
        var lastUse: UInt64
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var uses: UInt64 = 0
    }

    /// How many servers are remembered; the one unused for longest is forgotten first.
    let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int = 256) {
        self.capacity = capacity
    }

    /// Remembers a session, in place of an older one of the same server.
    func store(_ session: Session, for server: String) {
        state.withLock { state in
            state.uses += 1
            let entry = Entry(session: session, lastUse: state.uses)
            if state.entries.updateValue(entry, forKey: server) == nil, state.entries.count > capacity,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
            {
                state.entries[oldest] = nil
            }
        }
    }

    /// The session to offer to this server, if one is known.
    func session(for server: String) -> Session? {
        state.withLock { state in
            guard let entry = state.entries[server] else { return nil }
            state.uses += 1
            state.entries[server]?.lastUse = state.uses
            return entry.session
        }
    }

    /// Forgets the session of a server that a connection failed with.
    func forget(_ server: String) {
        state.withLock { $0.entries[server] = nil }
    }

    /// How many servers are remembered now.
    var count: Int { state.withLock { $0.entries.count } }
}
