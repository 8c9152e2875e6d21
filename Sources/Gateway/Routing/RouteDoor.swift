import EventLoop
import HTTP
import JSON
import Runnable

/// What serves a route. The cases are concrete types, so that the request path is compiled for each.
enum RouteDoor: Sendable {
    case model(LangServeDoor<ModelRun>)
    case pipeline(LangServeDoor<PipelineRun>)

    var route: RouteService {
        switch self {
        case .model(let door): door.route
        case .pipeline(let door): door.route
        }
    }

    /// Answers a request that is not valid.
    func reject(_ problem: RequestProblem, _ response: ResponseWriter, _ report: RunReport) {
        switch self {
        case .model(let door): door.reject(problem, response, report)
        case .pipeline(let door): door.reject(problem, response, report)
        }
    }

    /// The config that a hash in the path stands for.
    func config(hash: String) throws(RequestProblem) -> HashedConfig {
        switch self {
        case .model(let door): HashedConfig(try door.config(hash: hash))
        case .pipeline(let door): HashedConfig(try door.config(hash: hash))
        }
    }
}

extension LangServeDoor<PipelineRun> {
    /// Answers a request to one of the running endpoints, with a scope that all steps see.
    /// - Parameter base: what a config hash in the path says.
    @inline(never)
    func answerInScope(
        _ method: RouteTable.RunMethod,
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        _ base: HashedConfig?,
        isolation: isolated (any Actor)? = #isolation
    ) async {
        await RequestScope.$current.withValue(RequestScope(counts: run.permits)) {
            _ = isolation  // a closure given to the standard library stays on the actor only if it captures it
            await answer(method, request, response, report, base)
            run.finish(report)
        }
    }
}

extension LangServeDoor {
    /// Answers a request to one of the running endpoints. Not inlined: whoever calls it would keep the room of all endpoints.
    @inline(never)
    func answer(
        _ method: RouteTable.RunMethod,
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        _ base: HashedConfig?
    ) async {
        switch method {
        case .invoke: await invoke(request, response, report, base)
        case .batch: await batch(request, response, report, base)
        case .stream: await stream(request, response, report, base)
        case .streamLog: await streamLog(request, response, report, base)
        case .streamEvents: await streamEvents(request, response, report, base)
        }
    }

    /// The config that a hash in the path stands for (langserve-protocol.md, 1.10).
    fileprivate func config(hash: String) throws(RequestProblem) -> RunConfig {
        guard let text = try? LZString.decompress(hash.utf8) else { throw .invalidConfigHash }
        let decoding = decoding(nil).config
        do {
            return try reader.value.read(Array(text.utf8)) { root throws(RequestProblem) in
                guard root.kind == .object else { throw .invalidConfigHash }
                return try decoding.config(root)
            }
        } catch let problem as RequestProblem {
            throw problem
        } catch {
            throw .invalidConfigHash
        }
    }
}
