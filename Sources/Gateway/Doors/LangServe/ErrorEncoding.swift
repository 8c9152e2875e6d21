import EventLoop
import HTTP
import JSON
import Runnable

/// Writes failures of runs in the LangServe door's shapes. Only ``Runnable/RunError/message`` leaves the process; what operators
/// need goes to the log.
enum ErrorEncoding {
    /// `{"code","status","message","retryable"}`, and `retry_after` where that is known.
    static func append(_ error: RunError, to bytes: inout [UInt8]) {
        bytes.appendRaw("{\"code\":")
        bytes.appendJSON(error.code.rawValue)
        bytes.appendRaw(",\"status\":")
        bytes.appendJSON(error.status)
        bytes.appendRaw(",\"message\":")
        bytes.appendJSON(error.message)
        bytes.appendRaw(",\"retryable\":")
        bytes.appendJSON(error.isRetryableByCaller)
        appendRetryAfter(error, to: &bytes)
        bytes.appendRaw("}")
    }

    /// The data of an `error` event: what LangServe's clients need, and the code.
    static func appendEvent(_ error: RunError, to bytes: inout [UInt8]) {
        bytes.appendRaw("{\"status_code\":")
        bytes.appendJSON(error.status)
        bytes.appendRaw(",\"message\":")
        bytes.appendJSON(error.message)
        bytes.appendRaw(",\"code\":")
        bytes.appendJSON(error.code.rawValue)
        bytes.appendRaw(",\"retryable\":")
        bytes.appendJSON(error.isRetryableByCaller)
        appendRetryAfter(error, to: &bytes)
        bytes.appendRaw("}")
    }

    /// In seconds, for errors that cannot have a `Retry-After` field of their own.
    private static func appendRetryAfter(_ error: RunError, to bytes: inout [UInt8]) {
        guard let wait = error.retryAfter else { return }
        let milliseconds = max(0, Int(wait.wholeMilliseconds))
        bytes.appendRaw(",\"retry_after\":")
        if milliseconds.isMultiple(of: 1000) {
            bytes.appendJSON(milliseconds / 1000)
        } else {
            bytes.appendJSON(Double(milliseconds) / 1000)
        }
    }

    /// A whole answer's body.
    static func body(_ error: RunError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendRaw("{\"detail\":")
        bytes.appendJSON(error.message)
        bytes.appendRaw(",\"message\":")
        bytes.appendJSON(error.message)
        bytes.appendRaw(",\"error\":")
        append(error, to: &bytes)
        bytes.appendRaw("}")
        return bytes
    }

    /// The fields of a whole answer: what stock SDKs read before they retry.
    static func fields(_ error: RunError) -> HTTPFields {
        var fields: HTTPFields = ["content-type": "application/json"]
        if let wait = error.retryAfter {
            let milliseconds = max(0, Int(wait.wholeMilliseconds))
            // Whole seconds, rounded up: who reads only this must not come too early.
            fields.append("retry-after", max(1, milliseconds / 1000 + (milliseconds % 1000 > 0 ? 1 : 0)))
            fields.append("retry-after-ms", milliseconds)
        }
        if error.isRetryableByCaller {
            fields.append("x-should-retry", "true")
        } else {
            fields.append("x-should-retry", "false")
        }
        return fields
    }

    /// A body for errors that are not a run's: `{"detail": ..., "message": ...}`.
    static func plain(_ message: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendRaw("{\"detail\":")
        bytes.appendJSON(message)
        bytes.appendRaw(",\"message\":")
        bytes.appendJSON(message)
        bytes.appendRaw("}")
        return bytes
    }
}
