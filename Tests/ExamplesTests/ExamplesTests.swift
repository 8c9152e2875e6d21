import EventLoop
import Providers
import Runnable
import Testing

@testable import Examples

@Suite(.timeLimit(.minutes(1)))
struct ExamplesTests {
    private let questions = (1...10).map { RunValue.string("question \($0)") }

    @Test("all ways of calling give the same answers, and one call at once in series", arguments: CallingWay.allCases)
    func ways(_ way: CallingWay) async throws {
        let loop = try EventLoop(name: "examples")
        try loop.start()
        var script = MockScript()
        script.reply = .echo
        let inFlight = InFlight()
        let chain = try Chain.make(InFlightModel(MockModel(loop: loop, script: script), inFlight))
        #expect(try await way.answers(chain, questions) == (1...10).map { "question \($0)" })
        #expect((1...(way == .series ? 1 : 10)).contains(inFlight.peak))
        loop.stop()
    }

    @Test("a model that only blocks works in all of them", arguments: CallingWay.allCases)
    func blocking(_ way: CallingWay) async throws {
        let inFlight = InFlight()
        let chain = try Chain.make(BlockingModel(latency: .microseconds(10), inFlight))
        #expect(try await way.answers(chain, questions) == Array(repeating: "blocking answer", count: 10))
        #expect(way != .series || inFlight.peak == 1)
    }

    @Test("the resident memory of a process is known")
    func memory() { #expect(ResidentMemory.now > 1 << 20) }
}
