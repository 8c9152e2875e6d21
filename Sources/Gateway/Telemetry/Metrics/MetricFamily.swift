/// A metric: its name, what it says and what to do about it. The table of these writes `docs/metrics.md`, and nothing is shown that is
/// not in it.
struct MetricFamily: Sendable {
    enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// As Prometheus knows it; counters end in `_total`.
    let name: String
    let kind: Kind
    /// Names of its labels, in their order.
    let labels: [String]
    /// What it counts: one sentence without a full stop.
    let help: String
    /// What to do when it is high, or not as it should be.
    let advice: String

    init(_ name: String, _ kind: Kind, _ labels: [String] = [], _ help: String, advice: String) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.help = help
        self.advice = advice
    }

    /// What OpenMetrics calls it: counters without their ending.
    var baseName: String { kind == .counter ? String(name.dropLast("_total".count)) : name }

    /// The unit that the name ends with; nil when it has none.
    var unit: String? { ["seconds", "bytes"].first { baseName.hasSuffix("_" + $0) } }
}

extension MetricFamily {
    private static let server = [
        "gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "route", "endpoint",
    ]
    private static let client = ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "backend"]

    // MARK: OpenTelemetry's conventions for generative AI

    static let serverDuration = MetricFamily(
        "gen_ai_server_request_duration_seconds",
        .histogram,
        server + ["error_type"],
        "Time from a request's first byte to the end of its answer, for requests that run something",
        advice: """
            Compare with `gen_ai_client_operation_duration_seconds`: where that is high too, the upstream is slow; where not, look at \
            `headgate_upstream_queue_seconds`, at slow clients, and at `headgate_loop_lag_seconds`. An exemplar names a request to \
            look up in the log.
            """
    )
    static let serverFirstToken = MetricFamily(
        "gen_ai_server_time_to_first_token_seconds",
        .histogram,
        server,
        "Time from a request's first byte to the first content of its answer, for successful streams",
        advice: """
            Prompts grew, or the upstream queues: see `gen_ai_client_operation_time_to_first_chunk_seconds` by backend.
            """
    )
    static let serverPerToken = MetricFamily(
        "gen_ai_server_time_per_output_token_seconds",
        .histogram,
        server,
        "Time per output token behind the first, for successful streams whose upstream tells its tokens",
        advice: "The upstream generates slowly, or clients read slowly and hold their streams back."
    )
    static let clientDuration = MetricFamily(
        "gen_ai_client_operation_duration_seconds",
        .histogram,
        client + ["error_type"],
        "Time of one call of a model, from its beginning to its end, each attempt by itself",
        advice: "By `error_type`: `upstream_auth` is a key, `upstream_rate` a quota, `timeout_*` a limit of `timeouts`."
    )
    static let clientFirstChunk = MetricFamily(
        "gen_ai_client_operation_time_to_first_chunk_seconds",
        .histogram,
        client,
        "Time from the beginning of a streamed call to its first content",
        advice: "The upstream's queue or prompt processing is slow; give it more capacity, or route elsewhere."
    )
    static let clientTokens = MetricFamily(
        "gen_ai_client_token_usage",
        .histogram,
        client + ["gen_ai_token_type"],
        "Tokens of one call as the upstream tells them; cache_read is a part of input, reasoning a part of output",
        advice: "`_sum` is what is paid for. Look for a route whose prompts or answers grew."
    )

    // MARK: Requests

    static let requests = MetricFamily(
        "headgate_requests_total",
        .counter,
        ["route", "endpoint", "outcome", "status"],
        "Requests that ended, by how; outcome and names are those of the access log",
        advice: """
            `upstream_error`, `timeout` and `truncated` are the upstream's, `rejected` is a limit of ours, `client_error` the \
            caller's, `internal_error` a bug. The access line of such a request says more in `error` and `detail`.
            """
    )
    static let requestsInProgress = MetricFamily(
        "headgate_requests_in_progress",
        .gauge,
        ["route", "endpoint"],
        "Requests that are running now; those to stream endpoints are open streams",
        advice: "Exactly zero when idle. Where it only grows, upstreams hang: shorten `timeouts`."
    )
    static let batchItems = MetricFamily(
        "headgate_batch_items_total",
        .counter,
        ["route"],
        "Inputs of batches",
        advice: "Each is a run of its own; `max_batch` and `max_concurrency` of the route bound them."
    )
    static let bodyBytes = MetricFamily(
        "headgate_response_body_bytes_total",
        .counter,
        ["route", "endpoint"],
        "Bytes of answers' bodies, without framing and TLS",
        advice: "Says which route the bytes of `headgate_client_sent_bytes_total` go to."
    )
    static let retries = MetricFamily(
        "headgate_retries_total",
        .counter,
        ["route"],
        "Further calls that retry steps made, the first call of each not counted",
        advice: "The upstream fails in a way that passes. At most a fifth of the calls, and ten: see the budget."
    )
    static let fallbacks = MetricFamily(
        "headgate_fallbacks_total",
        .counter,
        ["route"],
        "Calls of a fallback because what stands before it failed",
        advice: "The preferred model fails: find out why by `error_type` of its calls."
    )

    // MARK: Upstreams

    static let callsInProgress = MetricFamily(
        "headgate_upstream_calls_in_progress",
        .gauge,
        ["backend", "model"],
        "Calls of models that are under way now, waiting ones included",
        advice: "Exactly zero when idle."
    )
    static let queueTime = MetricFamily(
        "headgate_upstream_queue_seconds",
        .histogram,
        ["backend", "model"],
        "Time that calls waited for a connection to come free",
        advice: "The pool is too small for the load: raise the backend's `max_connections`, which counts for each loop."
    )
    static let connectTime = MetricFamily(
        "headgate_upstream_connect_seconds",
        .histogram,
        ["backend", "model"],
        "Time of name look-up, connecting and TLS, of calls that opened a connection",
        advice:
            "Many of them: raise `max_idle_connections` or `idle_timeout`. Slow ones: the network, DNS, or the upstream."
    )
    static let connections = MetricFamily(
        "headgate_upstream_connections",
        .gauge,
        ["backend", "state"],
        "Connections to the backend: busy ones, those being opened included, and idle ones",
        advice: "busy is exactly zero when idle. At `max_connections` times `headgate_loops` calls begin to wait."
    )
    static let queued = MetricFamily(
        "headgate_upstream_queued_requests",
        .gauge,
        ["backend"],
        "Calls that wait for a connection to come free now",
        advice: "Above `max_pending` for a loop they fail with `policy_queue`. Exactly zero when idle."
    )
    static let upstreamReceived = MetricFamily(
        "headgate_upstream_received_bytes_total",
        .counter,
        ["backend"],
        "Bytes read from connections to the backend, TLS and framing included",
        advice: "Falls behind when clients read slowly: their upstreams are not read then."
    )
    static let upstreamSent = MetricFamily(
        "headgate_upstream_sent_bytes_total",
        .counter,
        ["backend"],
        "Bytes written to connections to the backend, TLS and framing included",
        advice: "Prompts; grows with conversations."
    )

    // MARK: Limits

    static let permitsHeld = MetricFamily(
        "headgate_pipeline_permits_held",
        .gauge,
        [],
        "Permits for calls of models that requests to pipelines hold now",
        advice: "Exactly zero when idle; anything else is a bug."
    )
    static let permitsWaiting = MetricFamily(
        "headgate_pipeline_permits_waiting",
        .gauge,
        [],
        "Calls of models inside requests to pipelines that wait for a permit now",
        advice: "Batches and maps wait for their own `max_concurrency`; raise it on the route. Exactly zero when idle."
    )
    static let rateWaiting = MetricFamily(
        "headgate_rate_limit_waiting",
        .gauge,
        ["step"],
        "Calls that wait at a step's rate limit now",
        advice: "Raise `per_second` of the step as far as the upstream allows. Exactly zero when idle."
    )
    static let retryBudget = MetricFamily(
        "headgate_retry_budget_available",
        .gauge,
        ["route"],
        "Retries that the route may make now; ten after a rest",
        advice: "At zero, failures are passed on without a retry: the upstream fails too often for retries to help."
    )

    // MARK: Clients

    static let clientConnections = MetricFamily(
        "headgate_client_connections",
        .gauge,
        [],
        "Connections of clients open now",
        advice: "At `server.max_connections` further ones wait in the kernel's queue."
    )
    static let clientAccepted = MetricFamily(
        "headgate_client_connections_accepted_total",
        .counter,
        [],
        "Connections of clients accepted",
        advice: "As many as requests: clients do not keep their connections."
    )
    static let clientReceived = MetricFamily(
        "headgate_client_received_bytes_total",
        .counter,
        [],
        "Bytes read from clients, TLS and framing included",
        advice: "Prompts grew, or somebody uploads."
    )
    static let clientSent = MetricFamily(
        "headgate_client_sent_bytes_total",
        .counter,
        [],
        "Bytes written to clients, TLS and framing included",
        advice: "See `headgate_response_body_bytes_total` by route."
    )

    // MARK: The service

    static let loopLag = MetricFamily(
        "headgate_loop_lag_seconds",
        .histogram,
        ["loop"],
        "How late the loop came to a timer of one second",
        advice:
            "The loop's core is busy or something blocks it: every stream on that loop is late by as much. Add cores, or `loops`."
    )
    static let loopLagMax = MetricFamily(
        "headgate_loop_lag_max_seconds",
        .gauge,
        ["loop"],
        "The most that the loop was late within the last minute; of a loop that did not answer, how long it has been silent",
        advice: "As above; beyond a second clients notice."
    )
    static let loops = MetricFamily(
        "headgate_loops",
        .gauge,
        [],
        "Event loops",
        advice: "As `loops` says; `auto` is one for each core."
    )
    static let logDropped = MetricFamily(
        "headgate_log_lines_dropped_total",
        .counter,
        [],
        "Log lines that were lost because their reader stalled",
        advice: "The journal or whatever reads standard error is too slow."
    )
    static let telemetryDropped = MetricFamily(
        "headgate_telemetry_dropped_total",
        .counter,
        ["kind", "reason"],
        "Telemetry, so far spans, that never reached its collector",
        advice: """
            `unavailable`: the collector does not answer. `refused`: it does not want them; its log says why. `queue_full`: it is slow; \
            sample less.
            """
    )
    static let telemetryExported = MetricFamily(
        "headgate_telemetry_exported_total",
        .counter,
        ["kind"],
        "Telemetry, so far spans, that its collector took",
        advice: "Zero although requests are sampled: see what was dropped."
    )
    static let draining = MetricFamily(
        "headgate_draining",
        .gauge,
        [],
        "1 while the service stops and lets requests finish, else 0",
        advice: """
            Lasts `server.drain_timeout` at most. Only `metrics.listen` shows it: where clients connect, a drain closes idle connections, a \
            scraper's too, and takes no new ones.
            """
    )
    static let uptime = MetricFamily(
        "headgate_uptime_seconds",
        .gauge,
        [],
        "Time since the service began to serve",
        advice: "Small again and again: it crashes, or is killed; see the journal."
    )

    // MARK: Build and configuration

    static let build = MetricFamily(
        "headgate_build_info",
        .gauge,
        ["version"],
        "Always 1; the label says what runs",
        advice: "Differs between instances while an upgrade is under way."
    )
    static let configuration = MetricFamily(
        "headgate_config_info",
        .gauge,
        ["hash"],
        "Always 1; the label is the beginning of a SHA-256 of the configuration in force, secrets left out",
        advice: "Differs between instances that should be alike: one was not reloaded."
    )
    static let reloadSuccessful = MetricFamily(
        "headgate_config_last_reload_successful",
        .gauge,
        [],
        "1 when the last reload, or the start, took the configuration over, else 0",
        advice: "The file has a mistake and the old configuration is in force: `headgate check` names it."
    )
    static let reloadTime = MetricFamily(
        "headgate_config_last_reload_success_timestamp_seconds",
        .gauge,
        [],
        "When the configuration in force was taken over, in seconds since 1970",
        advice: "Older than the file: it was not reloaded."
    )
    static let reloads = MetricFamily(
        "headgate_config_reloads_total",
        .counter,
        ["result"],
        "Reloads by result: success or failure",
        advice: "Failures: as above."
    )

    // MARK: The metrics themselves

    static let loopsUnanswered = MetricFamily(
        "headgate_metrics_loops_unanswered",
        .gauge,
        [],
        "Loops that did not answer this scrape in time; their counters are those of their last answer",
        advice:
            "A loop is stuck. A watchdog of the service manager ends the process; without one, restart it and report a bug."
    )
    static let scrapesRefused = MetricFamily(
        "headgate_metrics_scrapes_refused_total",
        .counter,
        [],
        "Scrapes refused with 503 because too many were under way",
        advice: "Somebody asks far too often."
    )
    static let namesOverflowed = MetricFamily(
        "headgate_metrics_names_overflowed",
        .gauge,
        [],
        "Routes and models that are counted under _other",
        advice: "Raise `metrics.max_names`; names of removed routes count until a restart."
    )

    // MARK: The process

    static let cpu = MetricFamily(
        "process_cpu_seconds_total",
        .counter,
        [],
        "CPU time of the process, in user and in kernel mode",
        advice: "A rate near `headgate_loops` means that every loop is busy."
    )
    static let memory = MetricFamily(
        "process_resident_memory_bytes",
        .gauge,
        [],
        "Resident memory",
        advice: "Some 20 KB for each open stream; see `headgate_requests_in_progress`."
    )
    static let virtualMemory = MetricFamily(
        "process_virtual_memory_bytes",
        .gauge,
        [],
        "Virtual memory",
        advice: "Nothing by itself."
    )
    static let descriptors = MetricFamily(
        "process_open_fds",
        .gauge,
        [],
        "Open descriptors",
        advice: "Near `process_max_fds` clients wait: raise LimitNOFILE."
    )
    static let maximumDescriptors = MetricFamily(
        "process_max_fds",
        .gauge,
        [],
        "Descriptors that the process may have",
        advice: "See `server.max_connections`."
    )
    static let threads = MetricFamily(
        "process_threads",
        .gauge,
        [],
        "Threads: loops, log, signals, and those for what blocks",
        advice: "Many: name look-ups hang."
    )
    static let startTime = MetricFamily(
        "process_start_time_seconds",
        .gauge,
        [],
        "When the process began, in seconds since 1970",
        advice: "Says when it was last restarted."
    )

    /// All of them, in the order in which they are shown.
    static let all = [
        serverDuration, serverFirstToken, serverPerToken, clientDuration, clientFirstChunk, clientTokens,
        requests, requestsInProgress, batchItems, bodyBytes, retries, fallbacks,
        callsInProgress, queueTime, connectTime, connections, queued, upstreamReceived, upstreamSent,
        permitsHeld, permitsWaiting, rateWaiting, retryBudget,
        clientConnections, clientAccepted, clientReceived, clientSent,
        loopLag, loopLagMax, loops, logDropped, telemetryDropped, telemetryExported, draining, uptime,
        build, configuration, reloadSuccessful, reloadTime, reloads,
        loopsUnanswered, scrapesRefused, namesOverflowed,
        cpu, memory, virtualMemory, descriptors, maximumDescriptors, threads, startTime,
    ]
}

extension MetricFamily {
    /// The reference of `docs/metrics.md`.
    static var reference: String {
        var text = "| metric | kind | labels | what it says | what to do |\n|---|---|---|---|---|\n"
        for family in all {
            let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
            text += "| `\(family.name)` | \(family.kind.rawValue) | \(labels) | \(family.help). | \(family.advice) |\n"
        }
        return text
    }
}
