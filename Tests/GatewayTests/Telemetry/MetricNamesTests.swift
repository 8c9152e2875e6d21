import Testing

@testable import Gateway

@Suite struct MetricNamesTests {
    private func route(_ path: String, _ model: String? = "m") -> RouteLabels {
        RouteLabels(path: path, operation: "chat", model: model)
    }

    @Test func `numbers stay, and what has no room is other`() {
        let names = MetricNames()
        let first = names.number(of: route("/a"), limit: 2)
        let second = names.number(of: route("/b"), limit: 2)
        #expect(first != second)
        let third = names.number(of: route("/c"), limit: 2)
        #expect(names.number(of: route("/d"), limit: 2) == third)
        #expect(names.number(of: route("/d"), limit: 2) == third)
        #expect(names.number(of: route("/a"), limit: 2) == first)
        #expect(names.all.routes[third].path == "_other")
        #expect(names.all.routes[first].path == "/a")
        #expect(names.all.overflowed == 2)
        // A larger limit is for what comes then.
        let fifth = names.number(of: route("/e"), limit: 3)
        #expect(names.all.routes[fifth].path == "/e")
    }

    @Test func `models of backends likewise`() {
        let names = MetricNames()
        func call(_ model: String) -> CallLabels { CallLabels(backend: "b", provider: "openai", model: model) }
        let first = names.number(of: call("x"), limit: 1)
        #expect(names.all.calls[first].model == "x")
        let second = names.number(of: call("y"), limit: 1)
        #expect(names.all.calls[second].model == "_other")
        #expect(names.number(of: call("x"), limit: 1) == first)
    }
}
