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
        let method = request.head.method
        switch request.head.path {
        case "/v1/chat/completions":
            guard method == .post else { return refuseMethod(response, allowed: "POST") }
            await complete(request, response)
        case "/v1/models":
            guard method == .get || method == .head else { return refuseMethod(response, allowed: "GET, HEAD") }
            respond(response, Array(MockHandler.models.utf8))
        case "/health":
            guard method == .get || method == .head else { return refuseMethod(response, allowed: "GET, HEAD") }
            respond(response, Array(#"{"status":"ok"}"#.utf8))
        case "/stats":
            guard method == .get || method == .head else { return refuseMethod(response, allowed: "GET, HEAD") }
            respond(response, service.stats.json(connections: await service.connections()))
        case "/stats/reset":
            guard method == .post else { return refuseMethod(response, allowed: "POST") }
            service.reset()
            response.respond(status: 204, body: [])
        default:
            respond(response, status: 404, message: "Nothing is at \(request.head.path).")
        }
    }

    func rejection(status: Int, message: String) -> (fields: HTTPFields, body: [UInt8]) {
        (MockHandler.jsonFields, MockBodies.error(status: status, message: message))
    }

    private static let models = """
        {"object":"list","data":[{"id":"mock","object":"model","created":1735689600,"owned_by":"headgate"}]}
        """

    private func complete(_ request: ServerRequest, _ response: ResponseWriter) async {
        let parsed: MockRequest
        do throws(MockRequest.Invalid) {
            parsed = try MockRequest(request, defaults: service.script, reader: reader.value)
        } catch {
            service.stats.began()
            respond(response, status: 400, message: error.message)
            service.stats.answered(400)
            return service.stats.ended(isCancelled: false)
        }
        await MockExchange(
            request: parsed,
            response: response,
            service: service,
            number: service.nextRequestNumber(),
            scratch: scratch.value,
            sleeper: LoopSleeper(on: loop)
        ).run()
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
