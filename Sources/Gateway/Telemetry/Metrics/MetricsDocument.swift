import EventLoop

/// All that one scrape has read, added up and written. No loop is needed for it.
struct MetricsDocument {
    /// One loop and what it said last.
    struct Loop: Sendable {
        let name: String
        /// Nil for a loop that has never answered.
        var snapshot: LoopSnapshot?
        /// How long it has not answered; nil where it has.
        var silence: Duration?
    }

    let loops: [Loop]
    let names: (routes: [RouteLabels], calls: [CallLabels], overflowed: Int)
    let service: ServiceReading
    let process: ProcessReading

    /// The whole text.
    func text(_ format: MetricsFormat) -> [UInt8] {
        var writer = MetricsWriter(format)
        let snapshots = loops.compactMap(\.snapshot)
        writeRequests(snapshots, &writer)
        writeCalls(snapshots, &writer)
        writePools(snapshots, &writer)
        writeLimits(&writer)
        writeClients(snapshots, &writer)
        writeLoops(&writer)
        writeService(&writer)
        writeProcess(&writer)
        writer.end()
        return writer.bytes
    }

    // MARK: Requests

    private struct Endpoint<Key: Hashable>: Hashable {
        let key: Key
        let endpoint: EndpointLabel
    }

    private func writeRequests(_ snapshots: [LoopSnapshot], _ writer: inout MetricsWriter) {
        var all: [Int: RequestCounts] = [:]
        for request in snapshots.lazy.flatMap(\.requests) {
            let place = request.route * EndpointLabel.count + request.endpoint.rawValue
            if all[place]?.add(request.counts) == nil { all[place] = request.counts }
        }
        // A path may have had several models, which the conventions' labels tell apart and ours do not.
        var byPath: [(path: String, endpoint: EndpointLabel, counts: RequestCounts)] = []
        var places: [Endpoint<String>: Int] = [:]
        let ordered = all.sorted { $0.key < $1.key }.map { place, counts in
            (
                labels: names.routes[place / EndpointLabel.count],
                endpoint: EndpointLabel.allCases[place % EndpointLabel.count],
                counts: counts
            )
        }
        for entry in ordered {
            let key = Endpoint(key: entry.labels.path, endpoint: entry.endpoint)
            if let place = places[key] {
                byPath[place].counts.add(entry.counts)
            } else {
                places[key] = byPath.count
                byPath.append((entry.labels.path, entry.endpoint, entry.counts))
            }
        }
        writeConventions(ordered, &writer)
        writeEndpoints(byPath, &writer)
        writeSteps(snapshots, &writer)
    }

    private func writeConventions(
        _ ordered: [(labels: RouteLabels, endpoint: EndpointLabel, counts: RequestCounts)],
        _ writer: inout MetricsWriter
    ) {
        func labels(_ labels: RouteLabels, _ endpoint: EndpointLabel) -> [String?] {
            [labels.operation, "headgate", labels.model, labels.path, endpoint.text]
        }
        writer.begin(.serverDuration)
        for entry in ordered {
            for (error, histogram) in zip(MetricLabels.errorTypes, entry.counts.durations) {
                guard let histogram else { continue }
                writer.histogram(
                    labels(entry.labels, entry.endpoint) + [error],
                    histogram.histogram,
                    .duration,
                    exemplars: histogram.exemplars
                )
            }
        }
        writer.begin(.serverFirstToken)
        for entry in ordered {
            guard let histogram = entry.counts.firstToken else { continue }
            writer.histogram(labels(entry.labels, entry.endpoint), histogram, .firstToken)
        }
        writer.begin(.serverPerToken)
        for entry in ordered {
            guard let histogram = entry.counts.perToken else { continue }
            writer.histogram(labels(entry.labels, entry.endpoint), histogram, .perToken)
        }
    }

    private func writeEndpoints(
        _ byPath: [(path: String, endpoint: EndpointLabel, counts: RequestCounts)],
        _ writer: inout MetricsWriter
    ) {
        writer.begin(.requests)
        for (path, endpoint, counts) in byPath {
            for (place, count) in counts.ended.enumerated() where count > 0 {
                let outcome = MetricLabels.outcomes[place / MetricLabels.statusClasses.count]
                let status = MetricLabels.statusClasses[place % MetricLabels.statusClasses.count]
                writer.sample([path, endpoint.text, outcome, status], count)
            }
        }
        writer.begin(.requestsInProgress)
        for (path, endpoint, counts) in byPath where endpoint.isRun {
            writer.sample([path, endpoint.text], counts.active)
        }
        var items: [(path: String, count: Int)] = []
        for (path, endpoint, counts) in byPath where endpoint == .batch { items.append((path, counts.items)) }
        writer.begin(.batchItems)
        for (path, count) in items { writer.sample([path], count) }
        writer.begin(.bodyBytes)
        for (path, endpoint, counts) in byPath { writer.sample([path, endpoint.text], counts.bytes) }
    }

    private func writeSteps(_ snapshots: [LoopSnapshot], _ writer: inout MetricsWriter) {
        var byPath: [String: StepCounts] = [:]
        for snapshot in snapshots {
            for (route, counts) in snapshot.steps.enumerated() {
                byPath[names.routes[route].path, default: StepCounts()].retries += counts.retries
                byPath[names.routes[route].path, default: StepCounts()].fallbacks += counts.fallbacks
            }
        }
        let ordered = byPath.sorted { $0.key < $1.key }
        writer.begin(.retries)
        for (path, counts) in ordered where counts.retries > 0 { writer.sample([path], counts.retries) }
        writer.begin(.fallbacks)
        for (path, counts) in ordered where counts.fallbacks > 0 { writer.sample([path], counts.fallbacks) }
    }

    // MARK: Upstreams

    private func writeCalls(_ snapshots: [LoopSnapshot], _ writer: inout MetricsWriter) {
        var all: [Int: CallCounts] = [:]
        for call in snapshots.lazy.flatMap(\.calls) where all[call.number]?.add(call.counts) == nil {
            all[call.number] = call.counts
        }
        let ordered = all.sorted { $0.key < $1.key }.map { (labels: names.calls[$0.key], counts: $0.value) }
        func labels(_ labels: CallLabels) -> [String?] { ["chat", labels.provider, labels.model, labels.backend] }
        writer.begin(.clientDuration)
        for (call, counts) in ordered {
            for (error, histogram) in zip(MetricLabels.errorTypes, counts.durations) {
                guard let histogram else { continue }
                writer.histogram(labels(call) + [error], histogram, .duration)
            }
        }
        writer.begin(.clientFirstChunk)
        for (call, counts) in ordered {
            if let histogram = counts.firstChunk { writer.histogram(labels(call), histogram, .duration) }
        }
        writer.begin(.clientTokens)
        for (call, counts) in ordered {
            for (type, histogram) in zip(MetricLabels.tokenTypes, counts.tokens) {
                if let histogram { writer.histogram(labels(call) + [type], histogram, .tokens) }
            }
        }
        // A backend's name may have meant several dialects.
        var merged: [CallLabels: CallCounts] = [:]
        for (call, counts) in ordered {
            let key = CallLabels(backend: call.backend, provider: "", model: call.model)
            if merged[key]?.add(counts) == nil { merged[key] = counts }
        }
        let byModel = merged.sorted { ($0.key.backend, $0.key.model) < ($1.key.backend, $1.key.model) }
        writer.begin(.callsInProgress)
        for (call, counts) in byModel { writer.sample([call.backend, call.model], counts.active) }
        writer.begin(.queueTime)
        for (call, counts) in byModel {
            if let histogram = counts.queue { writer.histogram([call.backend, call.model], histogram, .waits) }
        }
        writer.begin(.connectTime)
        for (call, counts) in byModel {
            if let histogram = counts.connect { writer.histogram([call.backend, call.model], histogram, .waits) }
        }
    }

    private func writePools(_ snapshots: [LoopSnapshot], _ writer: inout MetricsWriter) {
        var all: [String: BackendPools.Reading] = [:]
        for pool in snapshots.lazy.flatMap(\.pools) where all[pool.backend]?.add(pool) == nil {
            all[pool.backend] = pool
        }
        let ordered = all.values.sorted { $0.backend < $1.backend }
        writer.begin(.connections)
        for pool in ordered {
            writer.sample([pool.backend, "busy"], pool.busy)
            writer.sample([pool.backend, "idle"], pool.idle)
        }
        writer.begin(.queued)
        for pool in ordered { writer.sample([pool.backend], pool.queued) }
        writer.begin(.upstreamReceived)
        for pool in ordered { writer.sample([pool.backend], pool.received) }
        writer.begin(.upstreamSent)
        for pool in ordered { writer.sample([pool.backend], pool.sent) }
    }

    private func writeLimits(_ writer: inout MetricsWriter) {
        writer.begin(.permitsHeld)
        writer.sample(service.permitsHeld)
        writer.begin(.permitsWaiting)
        writer.sample(service.permitsWaiting)
        writer.begin(.rateWaiting)
        for (step, count) in service.steps.waiting { writer.sample([step], count) }
        writer.begin(.retryBudget)
        for (route, count) in service.steps.budgets { writer.sample([route], count) }
    }

    // MARK: The service

    private func writeClients(_ snapshots: [LoopSnapshot], _ writer: inout MetricsWriter) {
        writer.begin(.clientConnections)
        writer.sample(snapshots.reduce(0) { $0 + $1.connections })
        writer.begin(.clientAccepted)
        writer.sample(snapshots.reduce(0) { $0 &+ $1.accepted })
        writer.begin(.clientReceived)
        writer.sample(snapshots.reduce(0) { $0 &+ $1.received })
        writer.begin(.clientSent)
        writer.sample(snapshots.reduce(0) { $0 &+ $1.sent })
    }

    private func writeLoops(_ writer: inout MetricsWriter) {
        writer.begin(.loopLag)
        for loop in loops {
            if let lag = loop.snapshot?.lag { writer.histogram([loop.name], lag.histogram, .waits) }
        }
        writer.begin(.loopLagMax)
        for loop in loops {
            let silence = loop.silence.map { Int($0.wholeNanoseconds) } ?? 0
            writer.sample([loop.name], Double(max(silence, loop.snapshot?.lag.worst ?? 0)) / 1e9)
        }
        writer.begin(.loops)
        writer.sample(loops.count)
    }

    private func writeService(_ writer: inout MetricsWriter) {
        writer.begin(.logDropped)
        writer.sample(service.logLinesDropped)
        writer.begin(.telemetryDropped)
        for (reason, count) in service.spansLost { writer.sample(["spans", reason], count) }
        writer.begin(.telemetryExported)
        writer.sample(["spans"], service.spansExported)
        writer.begin(.draining)
        writer.sample(service.isDraining ? 1 : 0)
        writer.begin(.uptime)
        writer.sample([], service.uptime)
        writer.begin(.build)
        writer.sample([Gateway.version], 1)
        writer.begin(.configuration)
        writer.sample([service.reloads.hash], 1)
        writer.begin(.reloadSuccessful)
        writer.sample(service.reloads.wasSuccessful ? 1 : 0)
        writer.begin(.reloadTime)
        writer.sample([], service.reloads.time)
        writer.begin(.reloads)
        writer.sample(["success"], service.reloads.successes)
        writer.sample(["failure"], service.reloads.failures)
        writer.begin(.loopsUnanswered)
        writer.sample(loops.count { $0.silence != nil })
        writer.begin(.scrapesRefused)
        writer.sample(service.scrapesRefused)
        writer.begin(.namesOverflowed)
        writer.sample(names.overflowed)
    }

    private func writeProcess(_ writer: inout MetricsWriter) {
        writer.begin(.cpu)
        writer.sample([], process.cpuSeconds)
        writer.begin(.memory)
        writer.sample(process.residentBytes)
        writer.begin(.virtualMemory)
        writer.sample(process.virtualBytes)
        writer.begin(.descriptors)
        writer.sample(process.openDescriptors)
        writer.begin(.maximumDescriptors)
        writer.sample(process.maximumDescriptors)
        writer.begin(.threads)
        writer.sample(process.threads)
        writer.begin(.startTime)
        writer.sample([], service.processStart)
    }
}

extension MetricsWriter {
    /// One number without labels.
    fileprivate mutating func sample(_ value: Int) { sample([], value) }
}

extension EndpointLabel {
    /// The name as a string.
    var text: String { "\(name)" }
}
