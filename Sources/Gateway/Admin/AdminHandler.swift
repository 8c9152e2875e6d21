import EventLoop
import Glibc
import HTTP
import Logging
import Runnable

/// The admin socket's protocol: JSON over HTTP/1.1, so that `curl --unix-socket` speaks it too. On the admin loop.
///
/// `GET /status`, `GET /requests?limit=&sort=`, `GET /tail?route=&outcome=&errors=`, `POST /kill` with `{"id": ...}`,
/// `POST /drain`, `POST /reload`. What changes something is POST, and logged with who asked.
struct AdminHandler: HTTPHandler {
    private let service: LoopBound<AdminService>
    /// The socket's group, whose members are let in.
    private let group: UInt32
    private let logger = Logger(label: "headgate")

    private static let fields: HTTPFields = ["content-type": "application/json", "cache-control": "no-store"]

    init(service: LoopBound<AdminService>, group: UInt32) {
        self.service = service
        self.group = group
    }

    func handle(_ request: ServerRequest, _ response: ResponseWriter) async {
        guard let who = request.credentials, admits(who) else { return refuse(request, response) }
        let service = service.value
        switch (request.head.method, request.head.path) {
        case (.get, "/status"): answer(await service.status(), response)
        case (.get, "/requests"): await requests(request, response)
        case (.get, "/tail"): await tail(request, response, who)
        case (.post, "/kill"): await kill(request, response, who)
        case (.post, "/drain"):
            drain(response, who)
        case (.post, "/reload"): await reload(request, response, who)
        default: fail(404, "nothing is here for \(request.head.method)", response)
        }
    }

    func rejection(status: Int, message: String) -> (fields: HTTPFields, body: [UInt8]) {
        (AdminHandler.fields, AdminHandler.body(["error": .string(message)]))
    }

    /// The kernel has let it through the socket's permissions; these may be wider than meant.
    private func admits(_ who: PeerCredentials) -> Bool {
        who.uid == 0 || who.uid == geteuid() || who.gid == group || who.groups.contains(group)
    }

    /// How many may follow before this one is turned away: the group's members leave room for root and the daemon's user.
    private func mostFollowers(for who: PeerCredentials) -> Int {
        let isPrivileged = who.uid == 0 || who.uid == geteuid()
        return TailHub.mostFollowers - (isPrivileged ? 0 : TailHub.reservedFollowers)
    }

    private func refuse(_ request: ServerRequest, _ response: ResponseWriter) {
        let who = request.credentials
        logger.warning(
            "admin access refused",
            metadata: [
                "uid": "\(who.map { Int($0.uid) } ?? -1)", "gid": "\(who.map { Int($0.gid) } ?? -1)",
                "pid": "\(who.map { Int($0.pid) } ?? -1)",
            ]
        )
        fail(403, "only root, the daemon's user and members of the socket's group may do this", response)
    }

    // MARK: Looking

    private func requests(_ request: ServerRequest, _ response: ResponseWriter) async {
        let query = AdminQuery(request.head.query)
        guard let limit = Int(query["limit"] ?? "100"), 0...AdminService.mostRows ~= limit else {
            return fail(400, "limit: expected a number from 0 to \(AdminService.mostRows)", response)
        }
        guard let order = RequestOrder(rawValue: query["sort"] ?? "age") else {
            return fail(400, "sort: expected one of \(choices(RequestOrder.self))", response)
        }
        answer(await service.value.requests(limit, by: order), response)
    }

    private func tail(_ request: ServerRequest, _ response: ResponseWriter, _ who: PeerCredentials) async {
        let query = AdminQuery(request.head.query)
        var filter = TailFilter()
        filter.route = query["route"]
        filter.isErrorsOnly = query["errors"].map { $0 != "0" } ?? false
        if let outcome = query["outcome"] {
            filter.outcome = .init(rawValue: outcome)
            guard filter.outcome != nil else {
                return fail(400, "outcome: expected one of \(choices(AccessRecord.Outcome.self))", response)
            }
        }
        let service = service.value
        guard service.hub.value.count < mostFollowers(for: who) else {
            return fail(503, "\(service.hub.value.count) follow already", response)
        }
        let follower = TailFollower(filter, loop: service.loop)
        await service.follow(follower)
        defer { service.unfollow(follower) }
        let fields: HTTPFields = ["content-type": "application/x-ndjson", "cache-control": "no-store"]
        response.start(status: 200, fields: fields, keepAlive: Array("\n".utf8))
        do {
            while let lines = await follower.next() {
                if !response.write(lines) { try await response.drained() }
            }
            response.end()
        } catch {
            response.abort()
        }
    }

    // MARK: Taking hold

    private func kill(_ request: ServerRequest, _ response: ResponseWriter, _ who: PeerCredentials) async {
        let body = try? Value(parsing: String(decoding: request.takeBody(), as: UTF8.self))
        guard let id = body?["id"]?.string, !id.isEmpty else {
            return fail(400, #"expected {"id": "..."}"#, response)
        }
        switch await service.value.kill(id) {
        case .killed(let row):
            log("kill", who, "killed", id: row.id)
            answer(["killed": row.json], response)
        case .notFound:
            log("kill", who, "no such request", id: id)
            fail(404, "no request under way has an id that begins with \(id)", response)
        case .ambiguous(let rows):
            log("kill", who, "ambiguous", id: id)
            let body: Value = [
                "error": .string("several requests have ids that begin with \(id)"),
                "requests": .array(rows.map(\.json)),
            ]
            response.respond(status: 409, fields: AdminHandler.fields, body: AdminHandler.body(body))
        case .unknown(let loops):
            log("kill", who, "a loop does not answer", id: id)
            fail(503, "no answer from \(loops.joined(separator: ", ")): give the whole id", response)
        }
    }

    private func drain(_ response: ResponseWriter, _ who: PeerCredentials) {
        switch service.value.drain() {
        case .begins: log("drain", who, "begins")
        case .hasBegun: log("drain", who, "has begun before")
        case .failed(let reason):
            log("drain", who, "failed")
            return fail(500, reason, response)
        }
        answer(["draining": true], response)
    }

    private func reload(_ request: ServerRequest, _ response: ResponseWriter, _ who: PeerCredentials) async {
        let isTrial = AdminQuery(request.head.query)["check"].map { $0 != "0" } ?? false
        switch await service.value.reload(isTrial: isTrial) {
        case .done(let outcome):
            log("reload", who, outcome.succeeded ? isTrial ? "would do" : "reloaded" : "refused")
            answer(outcome.json, response)
        case .goesOn:
            log("reload", who, "goes on")
            fail(504, "the reload takes longer than \(AdminService.reloadPatience), and goes on", response)
        case .stopping:
            log("reload", who, "the daemon is stopping")
            fail(409, "the daemon is stopping, and reads nothing any more", response)
        case .takingOver:
            log("reload", who, "a new process is taking over")
            fail(409, "a new process is taking over: reload again when it serves", response)
        }
    }

    private func log(_ action: String, _ who: PeerCredentials, _ result: String, id: String? = nil) {
        var metadata: Logger.Metadata = ["action": "\(action)", "uid": "\(who.uid)", "pid": "\(who.pid)"]
        if let id { metadata["id"] = "\(id)" }
        metadata["result"] = "\(result)"
        logger.notice("admin", metadata: metadata)
    }

    // MARK: Answers

    private func answer(_ value: Value, _ response: ResponseWriter) {
        response.respond(status: 200, fields: AdminHandler.fields, body: AdminHandler.body(value))
    }

    private func fail(_ status: Int, _ message: String, _ response: ResponseWriter) {
        let body = AdminHandler.body(["error": .string(message)])
        response.respond(status: status, fields: AdminHandler.fields, body: body)
    }

    private static func body(_ value: Value) -> [UInt8] {
        var bytes: [UInt8] = []
        value.appendJSON(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private func choices<Choice: CaseIterable & RawRepresentable<String>>(_ type: Choice.Type) -> String {
        Choice.allCases.map(\.rawValue).joined(separator: ", ")
    }
}
