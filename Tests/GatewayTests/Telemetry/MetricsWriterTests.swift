import EventLoop
import HTTP
import Runnable
import Testing

@testable import Gateway

@Suite struct MetricsWriterTests {
    private static let counter = MetricFamily("a_bytes_total", .counter, ["x", "y"], "Says \"a\\b\"", advice: "")
    private static let histogram = MetricFamily("h_seconds", .histogram, ["x"], "Times", advice: "")

    private func text(_ format: MetricsFormat, _ write: (inout MetricsWriter) -> Void) -> String {
        let clock = ExemplarClock(
            monotonic: MonotonicTime(nanoseconds: 5_000_000_000),
            wall: LogTime(seconds: 1000, nanoseconds: 7_000_000)
        )
        var writer = MetricsWriter(format, clock: clock)
        write(&writer)
        writer.end()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func `labels are escaped, and left out where there is none`() {
        let text = text(.prometheus) { writer in
            writer.begin(Self.counter)
            writer.sample(["a\"b\\c\nd", nil], 3)
            writer.sample([nil, "é"], 4)
            writer.sample([nil, nil], 5)
        }
        #expect(
            text == """
                # TYPE a_bytes_total counter
                # HELP a_bytes_total Says "a\\\\b".
                a_bytes_total{x="a\\"b\\\\c\\nd"} 3
                a_bytes_total{y="é"} 4
                a_bytes_total 5

                """
        )
    }

    @Test func `OpenMetrics has units, bare names of counters, escaped quotes, and an end`() {
        let text = text(.openMetrics) { writer in
            writer.begin(Self.counter)
            writer.sample([], 3)
        }
        #expect(
            text == """
                # TYPE a_bytes counter
                # UNIT a_bytes bytes
                # HELP a_bytes Says \\"a\\\\b\\".
                a_bytes_total 3
                # EOF

                """
        )
    }

    @Test func `buckets are cumulative, and exemplars name requests and traces`() throws {
        let bounds = BucketBounds([0.5, 1], scale: 1_000_000_000)
        var histogram = ExemplarHistogram(bounds)
        let id = RunID(high: 0x0123_4567_89AB_4CDE, low: 0x8123_4567_89AB_CDEF)
        let at = MonotonicTime(nanoseconds: 4_500_000_000)
        histogram.observe(250_000_000, bounds, .request(.run(id)), at: at)
        histogram.observe(750_000_000, bounds, .request(.text("a-b")), at: at)
        histogram.observe(3_000_000_000, bounds, .trace(TraceID(high: 1, low: 0xFF)), at: at)
        func write(_ writer: inout MetricsWriter) {
            writer.begin(Self.histogram)
            writer.histogram(["r"], histogram.histogram, bounds, exemplars: histogram.exemplars)
        }
        #expect(
            text(.openMetrics, write) == """
                # TYPE h_seconds histogram
                # UNIT h_seconds seconds
                # HELP h_seconds Times.
                h_seconds_bucket{x="r",le="0.5"} 1 # {request_id="\(id)"} 0.25 999.507
                h_seconds_bucket{x="r",le="1.0"} 2 # {request_id="a-b"} 0.75 999.507
                h_seconds_bucket{x="r",le="+Inf"} 3 # {trace_id="000000000000000100000000000000ff"} 3.0 999.507
                h_seconds_sum{x="r"} 4.0
                h_seconds_count{x="r"} 3
                # EOF

                """
        )
        #expect(!text(.prometheus, write).contains("request_id"))
    }

    @Test(arguments: [String(repeating: "a", count: 65), "a\"b", "a\\b"])
    func `an id that does not fit into an exemplar is left out`(id: String) {
        #expect(Exemplar(name: .request(.text(id)), value: 1, time: .now).label == nil)
    }

    @Test(arguments: [
        ("", MetricsFormat.prometheus), ("*/*", .prometheus), ("text/plain", .prometheus),
        ("application/openmetrics-text", .openMetrics), ("application/openmetrics-text; q=0", .prometheus),
        ("text/plain;q=0.5, application/openmetrics-text;version=1.0.0;q=0.2", .prometheus),
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            .openMetrics
        ),
    ])
    func `Accept decides`(accept: String, format: MetricsFormat) {
        var fields = HTTPFields()
        if !accept.isEmpty { _ = fields.append("accept", checking: accept) }
        #expect(MetricsFormat.negotiated(fields) == format)
    }
}
