import HTTP
import JSON
import Runnable

/// LangServe's endpoints for feedback and traces. There is nothing to send them to here, so a valid request is answered as a LangServe
/// without tracing answers it (langserve-protocol.md, 1.13).
enum FeedbackKind: Sendable, CaseIterable {
    case tokenFeedback
    case feedback
    case publicTraceLink

    var endpoint: RouteSettings.EndpointName {
        switch self {
        case .tokenFeedback: .tokenFeedback
        case .feedback: .feedback
        case .publicTraceLink: .publicTraceLink
        }
    }

    /// What logs and metrics call the endpoint.
    var label: EndpointLabel {
        switch self {
        case .tokenFeedback: .tokenFeedback
        case .feedback: .feedback
        case .publicTraceLink: .publicTraceLink
        }
    }

    /// The method it takes.
    var method: HTTPMethod {
        switch self {
        case .tokenFeedback, .feedback: .post
        case .publicTraceLink: .put
        }
    }

    /// The method it takes, as the `allow` field says it.
    var allow: StaticString {
        switch self {
        case .tokenFeedback, .feedback: "POST"
        case .publicTraceLink: "PUT"
        }
    }

    /// What its body must have.
    var shape: Shape {
        let optional: [Shape.Member] = ["score", "value", "comment", "correction", "metadata"].map {
            Shape.Member(key: $0, shape: .any, isRequired: false)
        }
        func required(_ keys: String...) -> [Shape.Member] { keys.map { Shape.Member(key: $0, shape: .string) } }
        switch self {
        case .tokenFeedback: return .object(Shape.Members(all: required("token_or_url") + optional))
        case .feedback: return .object(Shape.Members(all: required("run_id", "key") + optional))
        case .publicTraceLink: return .object(Shape.Members(all: required("run_id")))
        }
    }

    /// What is wrong with a request; never nothing.
    func problem(_ body: [UInt8], _ reader: JSONReader) -> RequestProblem {
        do {
            return try reader.read(body) { root throws(RequestProblem) in
                try RequestProblem.within("body") { () throws(RequestProblem) in _ = try shape.read(root) }
                return .noTracing
            }
        } catch let problem as RequestProblem {
            return problem
        } catch {
            return .invalidJSON
        }
    }
}
