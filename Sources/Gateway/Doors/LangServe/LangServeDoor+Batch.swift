import EventLoop
import HTTP
import JSON
import Runnable

extension LangServeDoor {
    /// Answers `POST /batch`: whole, or item by item as they complete where the caller accepts lines or events.
    func batch(
        _ request: ServerRequest,
        _ response: ResponseWriter,
        _ report: RunReport,
        _ base: HashedConfig?
    ) async {
        var batch: BatchRequest<Run.Input>
        do throws(RequestProblem) {
            let deadline = ContinuousClock.now + (try limit(for: request, response))
            try DoorRules.checkCoding(request)
            batch = try decoding(base).batch(request.takeBody())
            prepare(&batch, deadline, since: request.received, report)
        } catch {
            return reject(error, response, report)
        }
        response.probeAtOnce()  // whether the client is still there decides about the next item
        if let format = StreamFormat.negotiated(request.head.fields, offered: [.events, .lines], standard: nil) {
            await streamBatch(batch, format, response, report)
        } else {
            await wholeBatch(batch, response, report)
        }
    }

    /// Gives every item its id, the deadline, and the caller's concurrency under the route's limit.
    private func prepare(
        _ batch: inout BatchRequest<Run.Input>,
        _ deadline: ContinuousClock.Instant,
        since received: MonotonicTime,
        _ report: RunReport
    ) {
        let waitingSince = ContinuousClock.now - (MonotonicTime.now - received)
        let source = runIDs.value
        let limit = min(route.settings.maxConcurrency, batch.maxConcurrency ?? .max)
        if run.isPipeline { RequestScope.current?.limit(to: limit) }
        var seen: Set<RunID> = []
        for place in batch.configs.indices {
            batch.configs[place].deadline = deadline
            batch.configs[place].attachment = report.calls
            batch.configs[place].waitingSince = waitingSince
            // The first one's counts for the batch; inside a pipeline each item's own.
            if place == 0 || run.isPipeline { batch.configs[place].maxConcurrency = limit }
            // Only the first element may bring its own id; the others', sent by mistake, would make two runs one.
            let chosen = place == 0 ? batch.configs[place].runID : nil
            let runID = chosen ?? source.next()
            batch.configs[place].runID = seen.insert(runID).inserted ? runID : source.next()
        }
        report.items = batch.inputs.count
        if let first = batch.configs.first?.runID { report.runID = first }
    }

    // MARK: Whole

    private func wholeBatch(_ batch: BatchRequest<Run.Input>, _ response: ResponseWriter, _ report: RunReport) async {
        let run = run
        do {
            let results = try await withTaskExecutorPreference(loop) {
                if batch.returnsExceptions {
                    return try await run.abatchResults(batch.inputs, configs: .each(batch.configs))
                }
                return try await run.abatch(batch.inputs, configs: .each(batch.configs)).map { .success($0) }
            }
            if response.mustStop { throw CancellationError() }
            let body = body(results, batch.configs, response, report)
            response.respond(status: 200, fields: DoorRules.jsonFields, own: report, body: body)
        } catch {
            fail(error, response, report)
        }
    }

    private func body(
        _ results: [Result<Run.Output, any Error>],
        _ configs: [RunConfig],
        _ response: ResponseWriter,
        _ report: RunReport
    ) -> [UInt8] {
        // Outputs are written where they stay; what follows them is short.
        var body: [UInt8] = []
        var responses: [UInt8] = []
        var runIDs: [UInt8] = []
        responses.reserveCapacity(results.count * 80)
        runIDs.reserveCapacity(results.count * 40)
        body.appendRaw("{\"output\":[")
        for (place, result) in results.enumerated() {
            let runID = configs[place].runID ?? report.runID
            if place > 0 {
                if place == 1 { reserve(&body, for: results.count) }
                body.appendRaw(",")
                responses.appendRaw(",")
                runIDs.appendRaw(",")
            }
            responses.appendRaw("{\"run_id\":\"")
            runID.append(to: &responses)
            responses.appendRaw("\",\"feedback_tokens\":[]")
            switch self.result(of: result, response, report) {
            case .success(let output): run.append(output, runID: runID, to: &body)
            case .failure(let failure):
                body.appendRaw("null")
                responses.appendRaw(",\"error\":")
                ErrorEncoding.append(failure, to: &responses)
            }
            responses.appendRaw("}")
            runIDs.appendRaw("\"")
            runID.append(to: &runIDs)
            runIDs.appendRaw("\"")
        }
        body.appendRaw("],\"metadata\":{\"responses\":[")
        body.append(contentsOf: responses)
        body.appendRaw("],\"run_ids\":[")
        body.append(contentsOf: runIDs)
        body.appendRaw("]}}")
        return body
    }

    /// Expects the other outputs to be as long as the first one, up to 4 MiB in all.
    private func reserve(_ body: inout [UInt8], for count: Int) {
        let most = 4 << 20
        let each = min(body.count + 128, most)  // with what else the answer says of an item
        body.reserveCapacity(min(each * min(count, most), most))
    }

    /// An item's outcome in the gateway's terms, entered into the report.
    private func result(
        of result: Result<Run.Output, any Error>,
        _ response: ResponseWriter,
        _ report: RunReport
    ) -> Result<Run.Output, RunError> {
        switch result {
        case .success(let output):
            report.producedContent()
            run.count(output, report)
            return .success(output)
        case .failure(let error):
            let failure = runError(error, response)
            if report.error == nil { report.error = failure }
            return .failure(failure)
        }
    }

    // MARK: As completed

    private func streamBatch(
        _ batch: BatchRequest<Run.Input>,
        _ format: StreamFormat,
        _ response: ResponseWriter,
        _ report: RunReport
    ) async {
        response.start(status: 200, fields: format.fields, own: report, keepAlive: format.keepAlive)
        let run = run
        let bound = LoopBound(response, loop: loop)
        let encoder = BatchEncoder(format: format)
        let boundReport = LoopBound(report, loop: loop)
        do {
            try await withTaskExecutorPreference(loop) {
                var failed = 0
                let items = run.abatchAsCompleted(
                    batch.inputs,
                    configs: .each(batch.configs),
                    returnExceptions: true
                )
                for try await item in items {
                    let (response, report) = (bound.value, boundReport.value)
                    let result = result(of: item.result, response, report)
                    if case .failure = result { failed += 1 }
                    let runID = batch.configs[item.index].runID ?? report.runID
                    let bytes = encoder.item(item.index, runID: runID, result) { run.append($0, runID: runID, to: &$1) }
                    if !response.write(bytes) { try await response.drained() }
                }
                bound.value.write(encoder.summary(total: batch.inputs.count, failed: failed))
            }
            if response.mustStop { throw CancellationError() }
            response.end()
        } catch {
            let failure = runError(error, response)
            report.error = failure
            if failure.code != .clientGone { response.write(encoder.error(failure)) }
            response.abort()
        }
    }
}
