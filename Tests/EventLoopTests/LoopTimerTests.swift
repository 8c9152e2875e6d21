import EventLoop
import Testing

@Suite(.timeLimit(.minutes(1))) struct LoopTimerTests {
    /// A timer that reports whether it came too early.
    private final class Probe {
        let timer: LoopTimer
        var target = MonotonicTime.distantFuture

        init(_ home: isolated Home, _ events: Events<String>, _ name: String) {
            var fired: () -> Void = {}
            timer = LoopTimer(on: home.loop) { fired() }
            fired = { [unowned self] in events.add(MonotonicTime.now < target ? "\(name) early" : name) }
            let timer = timer
            home.keep { timer.cancel() }
        }

        func arm(after duration: Duration) {
            target = .now + duration
            timer.arm(at: target)
        }
    }

    @Test func timersFireInTheOrderOfTheirTargets() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        await fixture.on { home in
            let probes = (0..<3).map { Probe(home, events, "\($0)") }
            home.keep { _ = probes }
            probes[0].arm(after: .milliseconds(30))
            probes[1].arm(after: .milliseconds(10))
            probes[2].arm(after: .milliseconds(-10))
            #expect(probes.allSatisfy { $0.timer.isArmed })
        }
        #expect(await events.next(3) == ["2", "1", "0"])
    }

    @Test func aTargetCanMoveLater() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        await fixture.on { home in
            let (moved, other) = (Probe(home, events, "moved"), Probe(home, events, "other"))
            home.keep { _ = (moved, other) }
            moved.arm(after: .milliseconds(1))
            // Far behind the other: a loop that is stopped until both are due takes them in the order of their first targets.
            moved.arm(after: .seconds(2))
            other.arm(after: .milliseconds(20))
        }
        #expect(await events.next(2) == ["other", "moved"])
    }

    @Test func aTargetCanMoveEarlier() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        await fixture.on { home in
            let probe = Probe(home, events, "fired")
            home.keep { _ = probe }
            probe.arm(after: .seconds(3600))
            probe.arm(after: .milliseconds(1))
        }
        #expect(await events.next(1) == ["fired"])
    }

    @Test func aDisarmedTimerIsSilentAndCanBeArmedAgain() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        let timer = await fixture.on { home in
            let (disarmed, other) = (Probe(home, events, "disarmed"), Probe(home, events, "other"))
            home.keep { _ = (disarmed, other) }
            disarmed.arm(after: .milliseconds(1))
            disarmed.timer.disarm()
            #expect(!disarmed.timer.isArmed)
            other.arm(after: .milliseconds(20))
            return LoopBound(disarmed, loop: home.loop)
        }
        #expect(await events.next(1) == ["other"])
        await fixture.on { _ in timer.value.arm(after: .milliseconds(1)) }
        #expect(await events.next(1) == ["disarmed"])
    }

    @Test func aTimerMayArmItselfAgain() async throws {
        let fixture = try LoopFixture()
        let events = Events<Int>()
        await fixture.on { home in
            var count = 0
            var again: () -> Void = {}
            let timer = LoopTimer(on: home.loop) {
                count += 1
                events.add(count)
                if count < 5 { again() }
            }
            again = { [unowned timer] in timer.arm(after: .milliseconds(count % 2)) }
            home.keep { timer.cancel() }
            again()
        }
        #expect(await events.next(5) == [1, 2, 3, 4, 5])
    }

    @Test func aTimerMayGoInItsOwnAction() async throws {
        final class Holder { var timer: LoopTimer? }
        let fixture = try LoopFixture()
        let events = Events<Bool>()
        await fixture.on { home in
            let holder = Holder()
            holder.timer = LoopTimer(on: home.loop) {
                holder.timer?.cancel()
                holder.timer?.cancel()
                holder.timer = nil
                events.add(true)
            }
            holder.timer?.arm(after: .zero)
        }
        #expect(await events.next(1) == [true])
        await fixture.turn()
    }

    @Test func aCancelledTimerIsSilent() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        await fixture.on { home in
            let (cancelled, other) = (Probe(home, events, "cancelled"), Probe(home, events, "other"))
            home.keep { _ = (cancelled, other) }
            cancelled.arm(after: .zero)
            cancelled.timer.cancel()
            cancelled.timer.arm(after: .zero)
            other.arm(after: .milliseconds(5))
        }
        #expect(await events.next(1) == ["other"])
    }

    @Test func theEndOfTimeNeverComes() async throws {
        let fixture = try LoopFixture()
        let events = Events<String>()
        await fixture.on { home in
            let (never, other) = (Probe(home, events, "never"), Probe(home, events, "other"))
            home.keep { _ = (never, other) }
            never.timer.arm(at: .distantFuture)
            #expect(!never.timer.isArmed)
            never.arm(after: .seconds(Int64.max))
            other.arm(after: .milliseconds(5))
        }
        #expect(await events.next(1) == ["other"])
    }
}

@Suite struct MonotonicTimeTests {
    @Test func sumsSaturate() {
        let time = MonotonicTime(nanoseconds: 1000)
        #expect((time + .nanoseconds(5)).nanoseconds == 1005)
        #expect((time + .nanoseconds(-5)).nanoseconds == 995)
        #expect((time + .seconds(-5)).nanoseconds == 0)
        #expect((time + .seconds(Int64.max)).nanoseconds == 1000 + UInt64(Int64.max))
        #expect((time + .seconds(Int64.min)).nanoseconds == 0)
        #expect(MonotonicTime.distantFuture + .nanoseconds(1) == .distantFuture)
    }

    @Test func differencesAreSigned() {
        let (early, late) = (MonotonicTime(nanoseconds: 10), MonotonicTime(nanoseconds: 25))
        #expect(late - early == .nanoseconds(15))
        #expect(early - late == .nanoseconds(-15))
        #expect(early < late)
    }

    @Test func durationsAreCutToWholeUnits() {
        let duration = Duration.nanoseconds(1_999_999_999)
        #expect(duration.wholeNanoseconds == 1_999_999_999)
        #expect(duration.wholeMicroseconds == 1_999_999)
        #expect(duration.wholeMilliseconds == 1999)
        #expect(Duration(secondsComponent: 0, attosecondsComponent: 999_999_999).wholeNanoseconds == 0)
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeNanoseconds == .min)
    }

    @Test(
        "durations of any length are divided exactly",
        arguments: [
            0, 1, 999, 1_000_000_000, 9_223_372_036, 18_446_744_072, 18_446_744_073, 18_446_744_074, 75_000_000_000,
            1_000_000_000_000_000_007, .max - 1, .max,
        ] as [Int64]
    )
    func wholeNanoseconds(number: Int64) {
        for rest in [0, 1, 709_551_616, 999_999_999] as [Int64] {
            let more = Duration(secondsComponent: 0, attosecondsComponent: rest)
            #expect((.nanoseconds(number) + more).wholeNanoseconds == number)
            #expect((.nanoseconds(-number) - more).wholeNanoseconds == -number)
        }
    }

    @Test func instantsOfTheOtherClockKeepTheirDistance() {
        let before = MonotonicTime.now
        let instant = ContinuousClock.now.advanced(by: .seconds(100))
        let converted = MonotonicTime(instant)
        #expect(converted >= before + .seconds(100))
    }
}
