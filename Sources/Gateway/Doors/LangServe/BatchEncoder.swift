import HTTP
import JSON
import Runnable

/// Writes the items of a `/batch` answer one by one, each as one HTTP chunk: as events, or as lines of JSON.
struct BatchEncoder: Sendable {
    /// Events or lines; a batch has no bare text.
    let format: StreamFormat

    /// `{"index","output"|"error","run_id"}`
    func item<Output>(
        _ index: Int,
        runID: RunID,
        _ result: Result<Output, RunError>,
        append: (Output, inout [UInt8]) -> Void
    ) -> [UInt8] {
        var bytes = begin("data")
        bytes.appendRaw("{\"index\":")
        bytes.appendJSON(index)
        switch result {
        case .success(let output):
            bytes.appendRaw(",\"output\":")
            append(output, &bytes)
        case .failure(let error):
            bytes.appendRaw(",\"error\":")
            ErrorEncoding.append(error, to: &bytes)
        }
        bytes.appendRaw(",\"run_id\":\"")
        runID.append(to: &bytes)
        bytes.appendRaw("\"}")
        return end(bytes)
    }

    /// `{"summary":{"total","succeeded","failed"}}`, and the `end` event where there are events.
    func summary(total: Int, failed: Int) -> [UInt8] {
        var bytes = begin("metadata")
        bytes.appendRaw("{\"summary\":{\"total\":")
        bytes.appendJSON(total)
        bytes.appendRaw(",\"succeeded\":")
        bytes.appendJSON(total - failed)
        bytes.appendRaw(",\"failed\":")
        bytes.appendJSON(failed)
        bytes.appendRaw("}}")
        bytes = end(bytes)
        if format == .events { SSEEncoder.append(event: "end", to: &bytes) }
        return bytes
    }

    /// A failure of the whole batch.
    func error(_ error: RunError) -> [UInt8] {
        var bytes = begin("error")
        if format == .events {
            ErrorEncoding.appendEvent(error, to: &bytes)
        } else {
            bytes.appendRaw("{\"error\":")
            ErrorEncoding.append(error, to: &bytes)
            bytes.appendRaw("}")
        }
        return end(bytes)
    }

    private func begin(_ event: StaticString) -> [UInt8] {
        var bytes: [UInt8] = []
        guard format == .events else { return bytes }
        bytes.appendRaw("event: ")
        bytes.appendRaw(event)
        bytes.appendRaw("\r\ndata: ")
        return bytes
    }

    private func end(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        if format == .events { bytes.appendRaw("\r\n\r\n") } else { bytes.appendRaw("\n") }
        return bytes
    }
}
