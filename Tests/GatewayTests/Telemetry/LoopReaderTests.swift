import EventLoop
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1)))
struct LoopReaderTests {
    /// Asks in a round of its own, and returns it when the loop has answered or the round was given up.
    private func ask(_ reader: LoopReader, _ begin: (ScrapeRound) -> Void = { _ in }) async -> ScrapeRound? {
        var round: ScrapeRound?
        await withCheckedContinuation { continuation in
            let made = ScrapeRound(1, continuation)
            round = made
            reader.ask(made)
            begin(made)
        }
        return round
    }

    @Test func `a loop that answered one scrape owes it nothing while others wait`() async throws {
        let loop = try EventLoop(name: "read")
        try loop.start()
        let reader = LoopReader(loop: loop) { LoopSnapshot() }
        let answered = try #require(await ask(reader))
        let hold = Hold()
        loop.execute { hold.wait() }
        let waiting = try #require(await ask(reader) { $0.giveUp() })
        let early = reader.result(of: answered)
        let late = reader.result(of: waiting)
        #expect(early.silence == nil && early.snapshot != nil)
        #expect(late.silence != nil && late.snapshot != nil)
        hold.end()
        let next = try #require(await ask(reader))
        #expect(reader.result(of: next).silence == nil)
        loop.stop()
        try await onThread { loop.join() }
    }
}
