import Runnable
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RunStreamTests {
    /// What a source was asked for.
    private final class Record: Sendable {
        let pulled = Atomic(0)
        let cancelled = Atomic(0)
        let made = Atomic(0)
        var counts: [Int] {
            [made.load(ordering: .relaxed), pulled.load(ordering: .relaxed), cancelled.load(ordering: .relaxed)]
        }
    }

    /// Counts up to a limit, then ends or fails.
    private final class Source: RunSource {
        private let record: Record
        private let count: Int
        private let error: TestError?
        private var next = 0

        init(_ record: Record, count: Int, error: TestError?) {
            self.record = record
            self.count = count
            self.error = error
            record.made.add(1, ordering: .relaxed)
        }

        func next() async throws -> Int? {
            if next == count {
                if let error { throw error }
                return nil
            }
            record.pulled.add(1, ordering: .relaxed)
            defer { next += 1 }
            return next
        }

        func cancel() { record.cancelled.add(1, ordering: .relaxed) }
    }

    /// Has no end, and lets others run between its elements.
    private final class EndlessSource: RunSource {
        private let record: Record

        init(_ record: Record) { self.record = record }

        func next() async throws -> Int? {
            await Task.yield()
            return record.pulled.add(1, ordering: .relaxed).oldValue
        }

        func cancel() { record.cancelled.add(1, ordering: .relaxed) }
    }

    private let record = Record()

    private func stream(_ count: Int, _ error: TestError? = nil) -> RunStream<Int> {
        let record = record
        return RunStream { Source(record, count: count, error: error) }
    }

    @Test("LS-116 elements are pulled one by one, none ahead")
    func lazy() async throws {
        let stream = stream(5)
        #expect(record.counts == [0, 0, 0])
        var iterator = stream.makeAsyncIterator()
        #expect(record.counts == [0, 0, 0])
        for number in 0..<5 {
            #expect(try await iterator.next() == number)
            #expect(record.counts == [1, number + 1, 0])
        }
        #expect(try await iterator.next() == nil)
        #expect(try await iterator.next() == nil)
    }

    @Test("LS-117 stopping early cancels the source, once")
    func earlyStop() async throws {
        for try await number in stream(5) where number == 1 { break }
        #expect(record.counts == [1, 2, 1])
    }

    @Test("LS-117 an explicit cancel stops it too")
    func explicitCancel() async throws {
        let iterator = stream(5).makeAsyncIterator()
        var copy = iterator
        _ = try await copy.next()
        iterator.cancel()
        iterator.cancel()
        #expect(try await copy.next() == nil)
        #expect(record.counts == [1, 1, 1])
    }

    @Test("a stream that ended or failed is not cancelled")
    func noCancelAfterEnd() async throws {
        var sum = 0
        for try await number in stream(3) { sum += number }
        #expect(sum == 3 && record.counts == [1, 3, 0])
        var iterator = stream(0, TestError(1)).makeAsyncIterator()
        await #expect(throws: TestError(1)) { try await iterator.next() }
        #expect(try await iterator.next() == nil)
        #expect(record.counts == [2, 3, 0])
    }

    @Test("every iteration is a run of its own")
    func repeated() async throws {
        let stream = stream(2)
        for _ in 0..<2 {
            var all: [Int] = []
            for try await number in stream { all.append(number) }
            #expect(all == [0, 1])
        }
        #expect(record.counts == [2, 4, 0])
    }

    @Test("LS-117 a cancelled task gets no further element and cancels the source")
    func cancelledTask() async throws {
        let stream = stream(.max)
        let isRunning = Gate()
        let task = Task {
            for try await number in stream where number == 3 { isRunning.open() }
        }
        await isRunning.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(record.cancelled.load(ordering: .relaxed) == 1)
    }

    @Test("forEach hands all elements on, and pauses where it is told to")
    func forEach() async throws {
        var iterator = stream(5).makeAsyncIterator()
        var taken: [Int] = []
        let isOver = try await iterator.forEach {
            taken.append($0)
            return $0 != 2
        }
        #expect(!isOver && taken == [0, 1, 2] && record.counts == [1, 3, 0])
        #expect(
            try await iterator.forEach {
                taken.append($0)
                return true
            }
        )
        #expect(taken == [0, 1, 2, 3, 4] && record.counts == [1, 5, 0])
        #expect(try await iterator.forEach { _ in true })
        var failing = stream(1, TestError(3)).makeAsyncIterator()
        await #expect(throws: TestError(3)) { try await failing.forEach { _ in true } }
        #expect(try await failing.next() == nil)
    }

    @Test("forEach ends when its task is cancelled")
    func forEachCancelled() async throws {
        let record = record
        let stream = RunStream { EndlessSource(record) }
        let isRunning = Gate()
        let task = Task {
            var iterator = stream.makeAsyncIterator()
            return try await iterator.forEach {
                if $0 == 3 { isRunning.open() }
                return true
            }
        }
        await isRunning.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(record.cancelled.load(ordering: .relaxed) == 1)
    }

    @Test("the error of making a source is the first result")
    func failing() async throws {
        var iterator = RunStream<Int>.failing(TestError(7)).makeAsyncIterator()
        await #expect(throws: TestError(7)) { try await iterator.next() }
        #expect(try await iterator.next() == nil)
    }

    @Test("LS-116 LS-117 the blocking form is as lazy, and dropping it cancels the source")
    func blocking() async throws {
        let stream = stream(5)
        let source = StreamingOnly(numbers: stream)
        let record = record
        try await onThread {
            var iterator: RunSequence<Int>.Iterator? = source.stream(0).makeIterator()
            let elements = [try iterator?.next(), try iterator?.next()]
            #expect(elements == [0, 1])
            #expect(record.counts == [1, 2, 0])
            iterator = nil
        }
        await source.dropped.wait()
        #expect(try await onThread { try source.stream(0).collect() } == [0, 1, 2, 3, 4])
    }

    /// Streams natively, and tells when its source was dropped.
    private struct StreamingOnly: AsyncRunnable {
        let numbers: RunStream<Int>
        let dropped = Gate()

        func ainvoke(_ input: Int, config: RunConfig) async throws -> Int { input }

        func astream(_ input: Int, config: RunConfig) -> RunStream<Int> {
            let numbers = numbers
            let dropped = dropped
            return RunStream { Relay(numbers.makeAsyncIterator(), dropped) }
        }

        final class Relay: RunSource {
            private var iterator: RunStream<Int>.Iterator
            private let dropped: Gate

            init(_ iterator: RunStream<Int>.Iterator, _ dropped: Gate) {
                self.iterator = iterator
                self.dropped = dropped
            }

            func next() async throws -> Int? { try await iterator.next() }

            func cancel() {
                iterator.cancel()
                dropped.open()
            }
        }
    }
}
