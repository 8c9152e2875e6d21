import Runnable
import Testing

struct RunEventFilterTests {
    private func passes(_ filter: RunEventFilter, _ name: String, _ type: String, _ tags: [String] = []) -> Bool {
        filter.includes(name: name, type: type, tags: tags)
    }

    @Test("LS-91 include lists are alternatives, excludes are applied afterwards")
    func lists() {
        let filter = RunEventFilter(
            includeNames: ["a"],
            includeTypes: ["tool"],
            includeTags: ["t"],
            excludeNames: ["x"],
            excludeTags: ["u"]
        )
        #expect(passes(filter, "a", "chain"))
        #expect(passes(filter, "b", "tool"))
        #expect(passes(filter, "b", "chain", ["s", "t"]))
        #expect(!passes(filter, "b", "chain", ["s"]))
        #expect(!passes(filter, "x", "tool"))
        #expect(!passes(filter, "a", "chain", ["u"]))
    }

    @Test("LS-91 no include list includes everything, an empty one nothing")
    func emptyLists() async {
        #expect(passes(.all, "a", "chain"))
        #expect(!passes(RunEventFilter(includeTypes: []), "a", "chain"))
        #expect(passes(RunEventFilter(includeNames: ["a"], includeTypes: []), "a", "chain"))
        #expect(!passes(RunEventFilter(excludeTypes: ["chain"]), "a", "chain"))
        let nothing = RunEventFilter(includeNames: [])
        let lambda = RunnableLambda { (input: Int) in input }
        let (events, error) = await outcome(lambda.astreamEvents(1, config: RunConfig(), filter: nothing))
        #expect(events.isEmpty && error == nil)
    }

    @Test("a custom event's own name counts as its type")
    func customEvents() async {
        let reporting = AsyncRunnableLambda { (input: Int, config: RunConfig) in
            config.report("progress", 1)
            return input
        }
        let filter = RunEventFilter(includeTypes: ["progress"])
        let (events, _) = await outcome(reporting.astreamEvents(1, config: RunConfig(), filter: filter))
        #expect(events.map(\.name) == ["progress"])
    }
}
