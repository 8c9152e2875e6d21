import EventLoop
import Testing

@testable import Providers

/// Where a request's time goes: each moment counts once, so that the parts add up to the whole.
@Suite struct RequestClockTests {
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)

    private func at(_ milliseconds: Int) -> MonotonicTime { start + .milliseconds(milliseconds) }

    private func times(_ clock: RequestClock, _ milliseconds: Int) -> RequestTimes {
        let times = clock.times(at: at(milliseconds))
        #expect(times.total == .milliseconds(milliseconds))
        return times
    }

    @Test func `a request without calls is all ours`() {
        let clock = RequestClock(start)
        #expect(times(clock, 7) == RequestTimes(gateway: .milliseconds(7)))
    }

    @Test func `a stream is split at its events`() {
        var clock = RequestClock(start)
        clock.began(at: at(1))
        clock.split(began: at(1), queue: .milliseconds(2), connect: .milliseconds(3), at: at(10))
        clock.gotHead()
        clock.gotFirstContent(at: at(30), in: .waitingForContent)
        clock.setBlocked(true, at: at(40))
        clock.setBlocked(false, at: at(45))
        clock.ended(at: at(100), in: .streaming)
        let times = times(clock, 104)
        #expect(times.queue == .milliseconds(2))
        #expect(times.connect == .milliseconds(3))
        #expect(times.upstream == .milliseconds(4))
        #expect(times.firstToken == .milliseconds(20))
        #expect(times.stream == .milliseconds(65))
        #expect(times.blocked == .milliseconds(5))
        #expect(times.gateway == .milliseconds(5))
    }

    @Test func `an answer that is not streamed is the upstream's up to its end`() {
        var clock = RequestClock(start)
        clock.began(at: at(0))
        clock.split(began: at(0), queue: .zero, connect: .milliseconds(1), at: at(5))
        clock.ended(at: at(9), in: .waitingForHead)
        let times = times(clock, 10)
        #expect(times.connect == .milliseconds(1))
        #expect(times.upstream == .milliseconds(8))
        #expect(times.gateway == .milliseconds(1))
    }

    @Test func `tries one after another add up, and the pause between them is ours`() {
        var clock = RequestClock(start)
        clock.began(at: at(0))
        clock.split(began: at(0), queue: .milliseconds(4), connect: .zero, at: at(6))
        clock.ended(at: at(6), in: .waitingForHead)
        clock.began(at: at(20))
        clock.split(began: at(20), queue: .milliseconds(1), connect: .milliseconds(2), at: at(30))
        clock.ended(at: at(30), in: .waitingForHead)
        let times = times(clock, 30)
        #expect(times.queue == .milliseconds(5))
        #expect(times.connect == .milliseconds(2))
        #expect(times.upstream == .milliseconds(9))
        #expect(times.gateway == .milliseconds(14))
    }

    @Test func `of calls at once no moment counts twice`() {
        var clock = RequestClock(start)
        for _ in 0..<4 { clock.began(at: at(0)) }
        for _ in 0..<4 {
            clock.split(began: at(0), queue: .milliseconds(2), connect: .milliseconds(3), at: at(10))
            clock.gotHead()
        }
        for _ in 0..<4 { clock.gotFirstContent(at: at(20), in: .waitingForContent) }
        for _ in 0..<4 { clock.ended(at: at(30), in: .streaming) }
        let times = times(clock, 30)
        #expect(times.queue == .milliseconds(2))
        #expect(times.connect == .milliseconds(3))
        #expect(times.upstream == .milliseconds(5))
        #expect(times.firstToken == .milliseconds(10))
        #expect(times.stream == .milliseconds(10))
        #expect(times.gateway == .zero)
    }

    @Test func `a call that goes on for a whole request is not ended`() {
        var clock = RequestClock(start)
        clock.began(at: at(1))
        #expect(times(clock, 9).upstream == .milliseconds(8))
        #expect(times(clock, 10).upstream == .milliseconds(9))
    }

    @Test func `a time before the last one changes nothing`() {
        var clock = RequestClock(start)
        clock.began(at: at(5))
        clock.ended(at: at(3), in: .waitingForHead)
        #expect(times(clock, 5) == RequestTimes(gateway: .milliseconds(5)))
    }

    @Test("whatever happens, the parts add up and none is below zero", arguments: 0..<200)
    func sums(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var clock = RequestClock(start)
        var now = 0
        var calls: [(began: Int, phase: ModelCall.Phase)] = []
        for _ in 0..<60 {
            now += Int.random(in: 0...5, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                clock.began(at: at(now))
                calls.append((now, .waitingForHead))
            case 2:
                clock.setBlocked(Bool.random(using: &random), at: at(now))
            default:
                guard let place = calls.indices.randomElement(using: &random) else { continue }
                step(&calls[place], &clock, now, &random)
                if calls[place].phase == .ended { calls.remove(at: place) }
            }
            let times = clock.times(at: at(now))
            #expect(times.total == .milliseconds(now))
            for part in [
                times.queue, times.connect, times.upstream, times.firstToken, times.stream, times.blocked,
                times.gateway,
            ] {
                #expect(part >= .zero)
            }
        }
    }

    private func step(
        _ call: inout (began: Int, phase: ModelCall.Phase),
        _ clock: inout RequestClock,
        _ now: Int,
        _ random: inout SplitMix
    ) {
        let isLast = Int.random(in: 0..<3, using: &random) == 0
        if call.phase == .waitingForHead {
            // What a call says of itself may be more than there was.
            let spent = { (random: inout SplitMix) in Duration.milliseconds(Int.random(in: 0...20, using: &random)) }
            clock.split(began: at(call.began), queue: spent(&random), connect: spent(&random), at: at(now))
        }
        switch call.phase {
        case _ where isLast:
            clock.ended(at: at(now), in: call.phase)
            call.phase = .ended
        case .queued, .waitingForHead:
            clock.gotHead()
            call.phase = .waitingForContent
        case .waitingForContent:
            clock.gotFirstContent(at: at(now), in: .waitingForContent)
            call.phase = .streaming
        case .streaming, .ended: break
        }
    }

    private struct SplitMix: RandomNumberGenerator {
        var seed: UInt64

        mutating func next() -> UInt64 {
            seed &+= 0x9E37_79B9_7F4A_7C15
            var bits = (seed ^ seed >> 30) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
            return bits ^ bits >> 31
        }
    }
}
