import HTTP
import JSON
import Runnable

/// Sorts an upstream's failures into our classes (provider-dialects.md, F9 and F10) without letting its secrets, or ours,
/// through to callers.
struct OpenAIErrors: Sendable {
    /// Longer texts are not shown to callers.
    private static let longestShown = 1000
    /// What of a text goes into the detail for operators.
    private static let longestDetail = 2000

    let redaction: Redaction

    /// The error for a response whose status is not a success.
    ///
    /// - Parameters:
    ///   - body: as much of the body as could be read.
    func error(status: Int, fields: HTTPFields, body: [UInt8], reader: JSONReader) -> RunError {
        if (300..<400).contains(status) {
            return RunError(
                .upstreamProtocol,
                "The upstream redirects, which is not followed.",
                detail: "status \(status): redirects are not followed",
                upstreamStatus: status
            )
        }
        return error(
            OpenAIErrors.parse(body, reader: reader),
            status: status,
            retryAfter: RetryAfter.duration(in: fields),
            mayRetry: fields["x-should-retry"] != "false"
        )
    }

    /// The error for one that was reported inside a successful response.
    func error(inside body: OpenAIErrorBody) -> RunError { error(body, status: nil, retryAfter: nil, mayRetry: true) }

    private static func parse(_ body: [UInt8], reader: JSONReader) -> OpenAIErrorBody {
        // A body that is no JSON, or no error that we know, is text.
        let parsed = try? reader.read(body) { OpenAIErrorBody($0) }
        if let parsed = parsed.flatMap({ $0 }) { return parsed }
        return OpenAIErrorBody(message: String(decoding: body.prefix(longestDetail), as: UTF8.self))
    }

    private func error(_ body: OpenAIErrorBody, status: Int?, retryAfter: Duration?, mayRetry: Bool) -> RunError {
        let effective = status ?? body.status.flatMap { (400..<600).contains($0) ? $0 : nil }
        let code = OpenAIErrors.classify(body, status: effective)
        let (words, hadSecret) = redaction.redact(body.message ?? "")
        var detail = status.map { "status \($0)" } ?? "error inside the response"
        for (name, value) in [("code", body.code), ("type", body.type)] {
            if let value { detail += ", \(name) \(redaction.redact(String(value.prefix(100))).text)" }
        }
        // What an upstream says about our credentials may hold them, or parts of them.
        if code != .upstreamAuth, !words.isEmpty { detail += ": \(words.prefix(OpenAIErrors.longestDetail))" }
        return RunError(
            code,
            shown(words, code: code, status: effective, hadSecret: hadSecret),
            detail: detail,
            retry: mayRetry ? nil : .never,
            status: effective,
            retryAfter: retryAfter,
            upstreamStatus: effective
        )
    }

    /// The upstream's words where the caller can do something about them; nil for the class's own sentence.
    private func shown(_ words: String, code: RunError.Code, status: Int?, hadSecret: Bool) -> String? {
        switch code {
        case .callerInvalid, .contextTooLong, .contentFiltered: break
        case .upstreamProtocol where status == 404:
            return "The upstream does not know the configured model or path."
        default: return nil
        }
        guard !hadSecret, !words.isEmpty, words.utf8.count <= OpenAIErrors.longestShown else { return nil }
        let looksLikeMarkup = words.utf8.first { $0 > 0x20 } == UInt8(ascii: "<")
        return looksLikeMarkup || words.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" } ? nil : words
    }

    // MARK: Classes

    private static let billing: Set<String> = [
        "insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance",
        "insufficient_credits", "billing_error", "payment_required",
    ]
    private static let filters: Set<String> = [
        "content_filter", "content_policy_violation", "responsibleaipolicyviolation", "content_filter_error",
        "moderation_blocked",
    ]
    private static let contexts: Set<String> = [
        "context_length_exceeded", "exceed_context_size_error", "context_window_exceeded",
        "model_context_window_exceeded",
    ]
    private static let credentials: Set<String> = [
        "invalid_api_key", "authentication_error", "invalid_authentication", "permission_error", "permission_denied",
        "authenticationerror", "permissiondeniederror", "account_deactivated", "unauthorized",
    ]
    private static let rates: Set<String> = [
        "rate_limit_exceeded", "rate_limit_error", "ratelimiterror", "tokens", "requests", "resource_exhausted",
        "too_many_requests",
    ]
    private static let overloads: Set<String> = [
        "overloaded_error", "overloaded", "engine_overloaded", "engine_overloaded_error", "service_unavailable",
        "service_unavailable_error", "unavailable_error", "capacity_exceeded", "serviceunavailableerror",
    ]
    private static let requests: Set<String> = [
        "invalid_request_error", "badrequesterror", "bad_request", "bad_request_error", "invalid_argument",
        "unprocessableentityerror", "validation_error",
    ]

    static func classify(_ body: OpenAIErrorBody, status: Int?) -> RunError.Code {
        let names = [body.code, body.type].compactMap { $0?.lowercased() }
        func isAny(of set: Set<String>) -> Bool { names.contains { set.contains($0) } }
        if isAny(of: billing) { return .upstreamBilling }
        if isAny(of: filters) || body.isFlagged { return .contentFiltered }
        if isAny(of: contexts) { return .contextTooLong }
        guard let status else {
            if isAny(of: credentials) { return .upstreamAuth }
            if isAny(of: rates) { return .upstreamRate }
            if isAny(of: overloads) { return .upstreamOverload }
            if isAny(of: requests) { return invalid(body, isAny(of: credentials)) }
            return .upstream5xx
        }
        switch status {
        case 400, 413, 422: return invalid(body, isAny(of: credentials))
        case 401, 403, 407: return .upstreamAuth
        case 402: return .upstreamBilling
        case 408, 409, 424, 425, 499: return .upstream5xx
        case 429: return .upstreamRate
        // 498 is Groq's for capacity.
        case 498, 503, 529: return .upstreamOverload
        case 500..<600: return isAny(of: overloads) ? .upstreamOverload : .upstream5xx
        // The path, the method, the media type and the model's name are ours, not the caller's.
        default: return .upstreamProtocol
        }
    }

    /// A request the upstream found invalid. Imitators have no codes for some causes, so their words decide.
    private static func invalid(_ body: OpenAIErrorBody, _ isCredential: Bool) -> RunError.Code {
        let words = body.message?.lowercased() ?? ""
        if isCredential || words.contains("api key") || words.contains("api_key") { return .upstreamAuth }
        if words.contains("context length") || words.contains("context window") || words.contains("context size") {
            return .contextTooLong
        }
        return .callerInvalid
    }
}
