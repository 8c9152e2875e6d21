import EventLoop
import Providers
import Runnable
import WorkerPool

/// What the Runnable layer is for, in numbers: the same chain called in series, concurrently and in batches, with a model that waits
/// asynchronously and with one that blocks; and ten thousand calls under a limit. No network: the models are mocks of 100 ms.
@main
struct Examples {
    static func main() async throws {
        let loop = try EventLoop(name: "examples")
        try loop.start()
        let script = MockScript(latency: .milliseconds(100))
        let mock = MockModel(loop: loop, script: script)

        // A task that prefers the loop runs there, and so does all that it calls: one thread, many calls that wait.
        try await Task(executorPreference: loop) {
            try await compare("a model that waits asynchronously, on one thread") { InFlightModel(mock, $0) }
            let threads = WorkerPool.defaultThreadCount
            try await compare("a model that blocks, on a pool of \(threads) threads") {
                BlockingModel(latency: script.latency, $0)
            }
            let slow = MockScript(latency: .milliseconds(100), interval: .milliseconds(10))
            try await streamOne(MockModel(loop: loop, script: slow))
            try await batchThousands(mock)
        }.value
        loop.stop()
        loop.join()
    }

    /// Ten calls, made in three ways.
    static func compare<Model: Runnable>(_ title: String, _ makeModel: (InFlight) -> Model) async throws
    where Model.Input == ChatPrompt, Model.Output == Message {
        print("\n\(title)")
        let questions = (1...10).map { RunValue.string("question \($0)") }
        for way in CallingWay.allCases {
            let inFlight = InFlight()
            let chain = try Chain.make(makeModel(inFlight))
            let time = try await ContinuousClock().measure { _ = try await way.answers(chain, questions) }
            print(line("  \(way.rawValue)", "\(milliseconds(time)) ms", "at most \(inFlight.peak) at once"))
        }
    }

    /// One answer as it comes.
    static func streamOne(_ model: MockModel) async throws {
        print("\none answer, streamed")
        let chain = try Chain.make(model)
        let clock = ContinuousClock()
        let start = clock.now
        var pieces = 0
        for try await piece in chain.astream("question") {
            if pieces == 0 { print(line("  first piece", "\(milliseconds(clock.now - start)) ms", "\"\(piece)\"")) }
            pieces += 1
        }
        print(line("  last piece", "\(milliseconds(clock.now - start)) ms", "\(pieces) pieces"))
    }

    /// Ten thousand calls, a thousand at once, behind a thousand calls: ten times the work in the same memory.
    static func batchThousands(_ model: MockModel) async throws {
        print("\nabatch, max_concurrency 1,000")
        for count in [1000, 10_000, 10_000] {
            let inFlight = InFlight()
            let chain = try Chain.make(InFlightModel(model, inFlight))
            let questions = (1...count).map { RunValue.string("question \($0)") }
            let before = ResidentMemory.now
            let time = try await ContinuousClock().measure {
                _ = try await chain.abatch(questions, configs: .shared(RunConfig(maxConcurrency: 1000)))
            }
            print(line("  \(count) calls", "\(milliseconds(time)) ms", "at most \(inFlight.peak) at once"))
            let after = ResidentMemory.now
            let peak = max(inFlight.peakMemory, after)
            print(
                "      resident: \(mebibytes(before)) before, \(mebibytes(peak)) at its peak, \(mebibytes(after)) after"
            )
        }
    }

    // MARK: Printing

    private static func line(_ what: String, _ number: String, _ note: String = "") -> String {
        let text = what + String(repeating: " ", count: max(0, 28 - what.count))
        let padded = String(repeating: " ", count: max(0, 10 - number.count)) + number
        return text + padded + (note.isEmpty ? "" : "   " + note)
    }

    private static func milliseconds(_ time: Duration) -> Int {
        Int(time.components.seconds) * 1000 + Int(time.components.attoseconds / 1_000_000_000_000_000)
    }

    private static func mebibytes(_ bytes: Int) -> String {
        let tenths = bytes * 10 / (1 << 20)
        return "\(tenths / 10).\(tenths % 10) MiB"
    }
}

extension MockScript {
    /// Sixteen words: the first after the latency, each further one after the interval.
    fileprivate init(latency: Duration, interval: Duration = .zero) {
        self.init()
        self.latency = latency
        self.interval = interval
    }
}
