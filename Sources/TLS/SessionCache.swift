import COpenSSL
import Synchronization

/// The newest resumable session of each server, shared by all connections of one client context; any thread.
///
/// A session is handed out again until a newer one replaces it: servers accept that, and from one gateway to one
/// upstream there is nobody to hide the link between connections from.
final class SessionCache: Sendable {
    /// One reference to a session.
    ///
    /// Unchecked: `SSL_SESSION` counts its references atomically and connections treat a shared one as read-only.
    final class Session: @unchecked Sendable {
        let raw: OpaquePointer  // SSL_SESSION *, owned

        init(owning raw: OpaquePointer) {
            self.raw = raw
        }

        deinit { SSL_SESSION_free(raw) }
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
        // Sessions that fall out are freed after the lock is gone.
        let dropped: [Session] = state.withLock { state in
            state.uses += 1
            var dropped: [Session] = []
            let entry = Entry(session: session, lastUse: state.uses)
            if let older = state.entries.updateValue(entry, forKey: server) {
                dropped.append(older.session)
            } else if state.entries.count > capacity,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key,
                let entry = state.entries.removeValue(forKey: oldest)
            {
                dropped.append(entry.session)
            }
            return dropped
        }
        _ = dropped
    }

    /// The session to offer to this server, if one is known that can still be resumed.
    func session(for server: String) -> Session? {
        state.withLock { state in
            guard let entry = state.entries[server] else { return nil }
            // OpenSSL revokes sessions whose connection broke.
            guard SSL_SESSION_is_resumable(entry.session.raw) == 1 else {
                state.entries[server] = nil
                return nil
            }
            state.uses += 1
            state.entries[server]?.lastUse = state.uses
            return entry.session
        }
    }

    /// How many servers are remembered now.
    var count: Int { state.withLock { $0.entries.count } }
}
