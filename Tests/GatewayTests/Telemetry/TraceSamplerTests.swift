import HTTP
import Providers
import Runnable
import Testing

@testable import Gateway

/// Which requests are traced.
@Suite struct TraceSamplerTests {
    private func sampler(_ sample: Double, _ sampling: TracingSettings.Sampling = .parent) -> TraceSampler {
        var settings = TracingSettings()
        settings.sample = sample
        settings.sampling = sampling
        return TraceSampler(settings)
    }

    @Test("as many as the ratio says", arguments: [0, 0.001, 0.01, 0.5, 1])
    func ratio(sample: Double) {
        let sampler = sampler(sample)
        let source = RunIDSource()
        let count = 200_000
        let sampled = (0..<count).count { _ in sampler.trace(source.next(), nil, state: nil).isRecorded }
        let expected = Double(count) * sample
        // Six standard deviations.
        #expect(abs(Double(sampled) - expected) <= 6 * (expected * (1 - sample)).squareRoot())
    }

    @Test func `the same trace is decided alike everywhere`() {
        let id = RunID(high: 1, low: 2)
        let inside = TraceParent(
            traceID: TraceID(high: 9, low: 0xFF_FFFF_FFFF_FFFF),
            spanID: SpanID(1),
            flags: 0
        )
        let outside = TraceParent(traceID: TraceID(high: 9, low: 0xAB00_0000_0000_0001), spanID: SpanID(1), flags: 1)
        #expect(sampler(0.001, .ratio).trace(id, inside, state: nil).isRecorded)
        #expect(!sampler(0.999, .ratio).trace(id, outside, state: nil).isRecorded)
        #expect(!sampler(0.001).trace(id, inside, state: nil).isRecorded)
        #expect(sampler(0.999).trace(id, outside, state: nil).isRecorded)
    }

    @Test func `a trace that joins another has the caller's id and a span of its own`() {
        let parent = TraceParent(traceID: TraceID(high: 9, low: 8), spanID: SpanID(7), flags: 1)
        let first = sampler(1).trace(RunID.random(), parent, state: Array("a=1".utf8))
        let second = sampler(1).trace(RunID.random(), parent, state: nil)
        #expect(first.traceID == parent.traceID)
        #expect(first.parent == parent.spanID)
        #expect(first.request.flags == 1)
        #expect(first.request.spanID != second.request.spanID)
        #expect(first.state == Array("a=1".utf8))
    }
}

/// What `OTEL_RESOURCE_ATTRIBUTES` and its like say.
@Suite struct TraceResourceTests {
    private func values(_ text: String) -> [String]? {
        TraceResource.attributes(text)?.map { "\($0.name)=\($0.value)" }
    }

    @Test func `attributes are decoded, or none of them counts`() {
        #expect(values("a=1,b.c=two") == ["a=1", "b.c=two"])
        #expect(values(" a = 1 , b=x%20y%2C%C3%A9 ") == ["a=1", "b=x y,é"])
        #expect(values("a=b=c") == ["a=b=c"])
        #expect(values("a=") == ["a="])
        #expect(values("") == [])
        for bad in ["a", "a=1,b", "=1", "a=%", "a=%2", "a=%zz", "a=%ff", "a=%+1"] {
            #expect(values(bad) == nil, "\(bad)")
        }
    }

    @Test func `settings count before the environment, and that before what is known`() {
        func resource(_ settings: TracingSettings, _ environment: [String: String]) -> String {
            let resource = TraceResource(settings, instance: RunID(high: 1, low: 2)) { environment[$0] }
            return String(decoding: resource.prefix, as: UTF8.self)
        }
        func name(_ name: String) -> String { #"{"key":"service.name","value":{"stringValue":"\#(name)"}}"# }
        var settings = TracingSettings()
        #expect(resource(settings, [:]).contains(name("headgate")))
        let environment = ["OTEL_RESOURCE_ATTRIBUTES": "service.name=one,x=y"]
        #expect(resource(settings, environment).contains(name("one")))
        #expect(resource(settings, environment).contains(#"{"key":"x","value":{"stringValue":"y"}}"#))
        let both = environment.merging(["OTEL_SERVICE_NAME": "two"]) { $1 }
        #expect(resource(settings, both).contains(name("two")))
        settings.serviceName = "three"
        #expect(resource(settings, both).contains(name("three")))
        #expect(!resource(settings, both).contains(name("two")))
    }
}
