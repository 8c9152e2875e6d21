import EventLoop
import HTTP
import JSON
import Providers
import Runnable

extension LangServeDoor {
    /// Answers `POST /stream_events`: what happens in the run and in all runs below it.
    func streamEvents(
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        _ base: HashedConfig?
    ) async {
        await streamed(request, response, report, base) { single, config in
            run.astreamEvents(single.input, config: config, filter: single.filter ?? .all)
        } send: {
            send($0, $1, response, report)
        }
    }

    /// Answers `POST /stream_log`: the same as changes of a document.
    func streamLog(
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        _ base: HashedConfig?
    ) async {
        await streamed(request, response, report, base) { single, config in
            run.astreamLog(single.input, config: config, filter: single.filter ?? .all)
        } send: {
            send($0, $1, response, report)
        }
    }

    /// What the two have in common.
    /// - Parameter send: writes an element; false when the client has to catch up first.
    private func streamed<Element>(
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        _ base: HashedConfig?,
        stream: (SingleRequest<Run.Input>, RunConfig) -> RunStream<Element>,
        send: (Element, StreamEncoder) -> Bool
    ) async {
        guard let single = begin(request, response, report, base, isEvents: true) else { return }
        let encoder = beginEvents(request, response, report)
        var elements = stream(single, named(single.config)).makeAsyncIterator()
        do {
            while let element = try await elements.next() {
                if !send(element, encoder) { try await response.drained() }
            }
            finishEvents(encoder, response, report)
        } catch {
            failStream(error, encoder, response, report)
        }
    }

    /// The root is called after its route, as on LangServe's server.
    private func named(_ config: RunConfig) -> RunConfig {
        var config = config
        config.runName = route.settings.path
        return config
    }

    @inline(never)
    private func beginEvents(
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport
    ) -> StreamEncoder {
        let offered: [StreamFormat] = [.events, .lines]
        let format = StreamFormat.negotiated(request.head.fields, offered: offered, standard: .events) ?? .events
        response.start(status: 200, fields: format.fields, own: report, keepAlive: format.keepAlive)
        return StreamEncoder(
            format: format,
            output: .message,
            runID: report.runID,
            buffer: events.value,
            isPipeline: true
        )
    }

    @inline(never)
    private func send(
        _ event: RunEvent,
        _ encoder: StreamEncoder,
        _ response: ResponseWriter,
        _ report: RunReport
    ) -> Bool {
        guard let event = StreamEvent(event) else { return true }
        report.producedContent()
        guard encoder.data({ EventEncoding.append(event, to: &$0) }) else { return true }
        return response.write(encoder.bytes)
    }

    @inline(never)
    private func send(
        _ operations: [RunLogOperation],
        _ encoder: StreamEncoder,
        _ response: ResponseWriter,
        _ report: RunReport
    ) -> Bool {
        report.producedContent()
        let runID = report.runID
        guard encoder.data({ EventEncoding.append(operations, runID: runID, to: &$0) }) else { return true }
        return response.write(encoder.bytes)
    }

    private func finishEvents(_ encoder: StreamEncoder, _ response: ResponseWriter, _ report: RunReport) {
        if encoder.end() { response.write(encoder.bytes) }
        response.end()
    }
}

/// Writes events and changes of run logs.
enum EventEncoding {
    static func append(_ event: StreamEvent, to bytes: inout [UInt8]) {
        bytes.appendRaw("{\"event\":")
        bytes.appendJSON(event.event)
        bytes.appendRaw(",\"data\":")
        ValueEncoding.append(event.data, runID: event.runID, to: &bytes)
        bytes.appendRaw(",\"name\":")
        bytes.appendJSON(event.name)
        bytes.appendRaw(",\"tags\":")
        bytes.appendJSON(Value.array(event.tags.map { .string($0) }))
        bytes.appendRaw(",\"run_id\":\"")
        event.runID.append(to: &bytes)
        bytes.appendRaw("\",\"metadata\":")
        bytes.appendJSON(event.metadata)
        bytes.appendRaw(",\"parent_ids\":[")
        for (place, parent) in event.parentIDs.enumerated() {
            bytes.appendRaw(place > 0 ? ",\"" : "\"")
            parent.append(to: &bytes)
            bytes.appendRaw("\"")
        }
        bytes.appendRaw("]}")
    }

    static func append(_ operations: [RunLogOperation], runID: RunID, to bytes: inout [UInt8]) {
        bytes.appendRaw("{\"ops\":[")
        for (place, operation) in operations.enumerated() {
            if place > 0 { bytes.appendRaw(",") }
            bytes.appendRaw("{\"op\":")
            bytes.appendJSON(operation.kind.rawValue)
            bytes.appendRaw(",\"path\":")
            bytes.appendJSON(operation.path)
            bytes.appendRaw(",\"value\":")
            ValueEncoding.append(operation.value, runID: runID, to: &bytes)
            bytes.appendRaw("}")
        }
        bytes.appendRaw("]}")
    }
}
