import JSON
import Runnable
import Testing

@testable import Gateway

/// Request bodies and their configs (langserve-protocol.md, 1.1 and 1.2).
struct EnvelopeDecodingTests {
    private static let everything = Set(RouteSettings.ConfigKey.allCases)
    private static let id = "31f2f45e-1a67-47f6-a422-d4c23d5e5dbd"

    private func decoding(
        _ allowed: Set<RouteSettings.ConfigKey> = everything,
        maxBatch: Int = 100
    ) -> EnvelopeDecoding<PipelineRun> {
        let run = PipelineRun(step: RunnablePassthrough<RunValue, RunValue>().erased, shape: .modelInput)
        return EnvelopeDecoding(
            reader: JSONReader(),
            run: run,
            config: ConfigDecoding(allowed: allowed),
            maxBatch: maxBatch
        )
    }

    private func config(_ text: String, _ allowed: Set<RouteSettings.ConfigKey> = everything) throws -> RunConfig {
        try decoding(allowed).single(Array(#"{"input":"a","config":\#(text)}"#.utf8)).config
    }

    private func batch(_ text: String) throws -> BatchRequest<RunValue> { try decoding().batch(Array(text.utf8)) }

    private func detail(_ work: () throws -> Void) throws -> Value? {
        do { try work() } catch let error as RequestProblem {
            return try Value(parsing: String(decoding: error.body, as: UTF8.self))["detail"]
        }
        return nil
    }

    @Test("allowed keys take effect; tags without doubles, sorted")
    func allowedKeys() throws {
        let config = try config(
            #"""
            {"tags":["b","a","b"],"metadata":{"k":[1.0]},"max_concurrency":7,"recursion_limit":9,"run_id":"\#(Self.id)",
            "configurable":{"x":1},"run_name":"n","other":1}
            """#
        )
        #expect(config.tags == ["a", "b"])
        #expect(config.metadata == ["k": [.number("1.0")]])
        #expect(config.maxConcurrency == 7)
        #expect(config.recursionLimit == 9)
        #expect(config.runID?.description == Self.id)
        #expect(config.runName == nil)
        #expect(config.configurable.isEmpty)
        #expect(config.deadline == nil)
    }

    @Test("by default only configurable and max_concurrency count, and the rest is not even checked")
    func defaults() throws {
        let config = try config(
            #"{"tags":5,"metadata":"m","max_concurrency":7,"recursion_limit":"x","run_id":"no","configurable":[1]}"#,
            RouteSettings(path: "/", model: "m").allowConfig
        )
        #expect(config.maxConcurrency == 7)
        #expect(config.runID == nil)
        #expect(config.tags.isEmpty)
        #expect(config.recursionLimit == RunConfig.defaultRecursionLimit)
    }

    @Test("nulls count as absent, and of equal keys the last one counts")
    func nulls() throws {
        let config = try config(#"{"tags":null,"metadata":null,"max_concurrency":3,"run_id":null,"max_concurrency":5}"#)
        #expect(config.maxConcurrency == 5)
        #expect(config.runID == nil)
    }

    @Test("a wrong value is told with its place inside the config")
    func wrongValues() throws {
        let cases: [(String, Value)] = [
            (#"{"max_concurrency":0}"#, ["max_concurrency"]), (#"{"max_concurrency":-3}"#, ["max_concurrency"]),
            (#"{"max_concurrency":1.5}"#, ["max_concurrency"]), (#"{"max_concurrency":"two"}"#, ["max_concurrency"]),
            (#"{"recursion_limit":0}"#, ["recursion_limit"]), (#"{"run_id":"x"}"#, ["run_id"]),
            (#"{"run_id":5}"#, ["run_id"]),
            (#"{"tags":"t"}"#, ["tags"]), (#"{"tags":["a",1]}"#, ["tags", 1]), (#"{"metadata":[]}"#, ["metadata"]),
        ]
        for (text, place) in cases {
            #expect(try detail { _ = try config(text) }?[0]["loc"] == place, "\(text)")
        }
    }

    @Test("a batch's one config serves all, but its run id only the first")
    func sharedConfig() throws {
        let batch = try batch(
            #"{"inputs":["a","b","c"],"config":{"tags":["t"],"max_concurrency":2,"run_id":"\#(Self.id)"}}"#
        )
        #expect(batch.inputs == ["a", "b", "c"])
        #expect(batch.configs.map(\.tags) == [["t"], ["t"], ["t"]])
        #expect(batch.configs.map { $0.runID?.description } == [Self.id, nil, nil])
        #expect(batch.maxConcurrency == 2)
        #expect(!batch.returnsExceptions)
    }

    @Test("a batch's configs serve one each; the first has the say on concurrency")
    func eachConfig() throws {
        let batch = try batch(
            #"{"inputs":["a","b"],"config":[{"tags":["x"]},{"tags":["y"],"max_concurrency":1}],"return_exceptions":true}"#
        )
        #expect(batch.configs.map(\.tags) == [["x"], ["y"]])
        #expect(batch.maxConcurrency == nil)
        #expect(batch.returnsExceptions)
    }

    @Test("a batch of up to the route's limit")
    func limit() throws {
        let body = Array(#"{"inputs":["a","b","c"]}"#.utf8)
        #expect(try decoding(maxBatch: 3).batch(body).inputs.count == 3)
        let problem = try detail { _ = try decoding(maxBatch: 2).batch(body) }
        #expect(problem?[0]["type"] == "too_long")
        #expect(problem?[0]["msg"] == "List should have at most 2 items after validation, not 3")
    }

    @Test("escaped keys are keys")
    func escapes() throws {
        #expect(try decoding().single(Array(#"{"\u0069nput":"a"}"#.utf8)).input == "a")
    }
}
