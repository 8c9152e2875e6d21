import EventLoop
import HTTP
import JSON
import Providers

/// The endpoints of a mock server on one loop.
struct MockHandler: HTTPHandler {
    private let service: MockService
    private let loop: EventLoop
    private let reader: LoopBound<JSONReader>
    private let scratch: LoopBound<MockScratch>

    private static let jsonFields: HTTPFields = ["content-type": "application/json"]

    init(service: MockService, loop: EventLoop) {
        self.service = service
        self.loop = loop
        reader = LoopBound(JSONReader(), loop: loop)
        scratch = LoopBound(MockScratch(), loop: loop)
    }

    func handle(_ request: ServerRequest, _ response: ResponseWriter) async {
        switch route(request, response) {
        case .answered: return
        case .exchange(let exchange): await exchange.run()
        case .stats: respond(response, service.stats.json(connections: await service.connections()))
        }
    }

    private enum Routed {
        case answered
        case exchange(MockExchange)
        case stats
    }

    /// Everything that need not wait; not inlined, so that a waiting call does not keep its temporaries.
    @inline(never)
    private func route(_ request: ServerRequest, _ response: ResponseWriter) -> Routed {
        let path = request.head.path
        let isPost: Bool
        switch path {
        case "/v1/chat/completions", "/stats/reset": isPost = true
        case "/v1/models", "/health", "/stats": isPost = false
        default:
            respond(response, status: 404, message: "Nothing is at \(path).")
            return .answered
        }
        let method = request.head.method
        guard isPost ? method == .post : method == .get || method == .head else {
            refuseMethod(response, allowed: isPost ? "POST" : "GET, HEAD")
            return .answered
        }
        switch path {
        case "/v1/chat/completions": return complete(request, response).map { .exchange($0) } ?? .answered
        case "/v1/models": respond(response, Array(MockHandler.models.utf8))
        case "/health": respond(response, Array(#"{"status":"ok"}"#.utf8))
        case "/stats": return .stats
        default:
            service.reset()
            response.respond(status: 204, body: [])
        }
        return .answered
    }

    func rejection(status: Int, message: String) -> (fields: HTTPFields, body: [UInt8]) {
        (MockHandler.jsonFields, MockBodies.error(status: status, message: message))
    }

    private static let models = """
        {"object":"list","data":[{"id":"mock","object":"model","created":1735689600,"owned_by":"headgate"}]}
        """

    /// Nil when the request is refused.
    private func complete(_ request: ServerRequest, _ response: ResponseWriter) -> MockExchange? {
        if let parent = request.head.fields["traceparent"] { service.stats.carried(parent) }
        let parsed: MockRequest
        do throws(MockRequest.Invalid) {
            parsed = try MockRequest.read(request, defaults: service.script, reader: reader.value)
        } catch {
            service.stats.began()
            respond(response, status: 400, message: error.message)
            service.stats.answered(400)
            service.stats.ended(isCancelled: false)
            return nil
        }
        return MockExchange(
            parsed,
            response,
            service: service,
            scratch: scratch.value,
            sleeper: LoopSleeper(on: loop)
        )
    }

    // MARK: Small answers

    private func respond(_ response: ResponseWriter, _ body: [UInt8]) {
        response.respond(status: 200, fields: MockHandler.jsonFields, body: body)
    }

    private func respond(_ response: ResponseWriter, status: Int, message: String) {
        let body = MockBodies.error(status: status, message: message)
        response.respond(status: status, fields: MockHandler.jsonFields, body: body)
    }

    private func refuseMethod(_ response: ResponseWriter, allowed: StaticString) {
        var fields = MockHandler.jsonFields
        fields.append("allow", allowed)
        let body = MockBodies.error(status: 405, message: "Allowed here: \(allowed).")
        response.respond(status: 405, fields: fields, body: body)
    }
}
