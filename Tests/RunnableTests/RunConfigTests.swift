import Runnable
import Testing

@Suite
struct RunConfigTests {
    @Test("LS-113 the merge example")
    func merging() {
        let left = RunConfig(
            runName: "n1",
            tags: ["b"],
            metadata: ["a": 1, "b": 1],
            maxConcurrency: 2,
            recursionLimit: 10,
            configurable: ["x": 1]
        )
        let right = RunConfig(
            runName: "n2",
            tags: ["a", "b"],
            metadata: ["b": 2],
            recursionLimit: 25,
            configurable: ["y": 2]
        )
        let merged = left.merging(right)
        #expect(merged.tags == ["a", "b"])
        #expect(merged.metadata == ["a": 1, "b": 2])
        #expect(merged.configurable == ["x": 1, "y": 2])
        #expect(merged.maxConcurrency == 2)
        #expect(merged.recursionLimit == 10)
        #expect(merged.runName == "n2")
        #expect(merged.runID == nil)
    }

    @Test("LS-113 lc_versions merges one level deeper, empty names yield, the earlier deadline stays")
    func mergingDetails() {
        let now = ContinuousClock.now
        let left = RunConfig(
            runName: "n",
            metadata: ["lc_versions": ["core": "1", "old": "0"], "nested": ["a": 1]],
            deadline: now
        )
        let right = RunConfig(
            runName: "",
            metadata: ["lc_versions": ["core": "2"], "nested": ["b": 2]],
            deadline: now + .seconds(1)
        )
        let merged = left.merging(right)
        #expect(merged.metadata["lc_versions"] == ["core": "2", "old": "0"])
        #expect(merged.metadata["nested"] == ["b": 2])
        #expect(merged.runName == "n")
        #expect(merged.deadline == now)
        #expect(right.merging(left).deadline == now)
    }

    @Test("LS-114 children have the tags and metadata, their own step tag first, and no name or id")
    func children() {
        let root = RunConfig(runID: .random(), runName: "RN", tags: ["u"], metadata: ["m": 1])
        #expect(root.allTags == ["u"])
        let first = root.child(step: .sequence(1))
        #expect(first.allTags == ["seq:step:1", "u"])
        #expect(first.runName == nil && first.runID == nil && first.parentRunID == root.runID)
        let parallel = root.child(step: .sequence(2)).withRunID()
        #expect(parallel.allTags == ["seq:step:2", "u"])
        let second = parallel.child(step: .mapKey("k"))
        #expect(second.allTags == ["map:key:k", "u"])
        #expect(second.parentRunID == parallel.runID)
        for config in [first, parallel, second] { #expect(config.metadata == ["m": 1]) }
    }

    @Test("LS-114 limits and configurable values are inherited")
    func inheritedLimits() {
        let deadline = ContinuousClock.now
        let root = RunConfig(maxConcurrency: 3, recursionLimit: 7, configurable: ["x": 1], deadline: deadline)
        let child = root.child()
        #expect(child.maxConcurrency == 3 && child.recursionLimit == 7)
        #expect(child.configurable == ["x": 1] && child.deadline == deadline)
        #expect(child.withDeadline(deadline + .seconds(1)).deadline == deadline)
        #expect(child.withDeadline(deadline - .seconds(1)).deadline == deadline - .seconds(1))
        #expect(child.withDeadline(nil).deadline == deadline)
        #expect(RunConfig().withDeadline(deadline).deadline == deadline)
    }

    @Test("step tags are spelled as LangChain's")
    func stepTags() {
        #expect(RunStep.condition(1).tag == "condition:1")
        #expect(RunStep.branch(2).tag == "branch:2")
        #expect(RunStep.branchDefault.tag == "branch:default")
        #expect(RunStep.retryAttempt(1).tag == nil)
        #expect(RunStep.retryAttempt(2).tag == "retry:attempt:2")
    }

    @Test("model and checkpoint_ns are copied into the metadata unless it has them")
    func normalized() {
        let config = RunConfig(metadata: ["model": "a"], configurable: ["model": "b", "checkpoint_ns": "c", "x": "d"])
        #expect(config.normalized().metadata == ["model": "a", "checkpoint_ns": "c"])
        #expect(RunConfig(configurable: ["model": 1]).normalized().metadata.isEmpty)
    }

    @Test("LS-139 a call without a config inside a lambda has the parent's tags, metadata and id")
    func inheritance() async throws {
        let seen = AsyncRunnableLambda { (_: Int, config: RunConfig) in config }
        let outer = AsyncRunnableLambda { (x: Int, config: RunConfig) in
            (own: config, inner: try await seen.ainvoke(x))
        }
        let config = RunConfig(runName: "RN", tags: ["u"], metadata: ["m": 1], deadline: .now + .seconds(60))
        let (own, inner) = try await outer.ainvoke(1, config: config)
        #expect(inner.tags == ["u"] && inner.metadata == ["m": 1] && inner.deadline == config.deadline)
        #expect(inner.parentRunID == own.runID && inner.runID != own.runID && inner.runName == nil)
        #expect(RunConfig.current == nil)
    }

    @Test("LS-139 the surrounding run reaches threads of the pool and of batches, and child tasks")
    func inheritanceAcrossThreads() async throws {
        let inner = RunnableLambda { (_: Int, config: RunConfig) in config.tags }
        let outer = AsyncRunnableLambda { (x: Int) in
            [try await inner.ainvoke(x)] + (try await inner.abatch([1, 2]))
        }
        #expect(try await outer.ainvoke(1, config: RunConfig(tags: ["u"])) == [["u"], ["u"], ["u"]])
        let blocking = RunnableLambda { (x: Int) in try inner.batch([x, x, x]) }
        let tags = try await onThread { try blocking.invoke(1, config: RunConfig(tags: ["v"])) }
        #expect(tags == [["v"], ["v"], ["v"]])
    }
}
