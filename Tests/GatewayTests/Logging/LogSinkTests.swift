import Dispatch
import Glibc
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1))) struct LogSinkTests {
    private func makeSink(_ pipe: LogPipe, limit: Int = LogSink.defaultLimit) throws -> LogSink {
        try LogSink(output: LogStream(descriptor: pipe.writer), limit: limit) { Array("dropped \($0)\n".utf8) }
    }

    private func write(_ text: String, to sink: LogSink) {
        var text = text
        text.withUTF8 { bytes in
            sink.write(UnsafeRawBufferPointer(bytes), lines: bytes.count { $0 == UInt8(ascii: "\n") })
        }
    }

    @Test func linesComeInOrder() throws {
        let pipe = LogPipe()
        let sink = try makeSink(pipe)
        for number in 0..<1000 { write("line \(number)\n", to: sink) }
        sink.close()
        #expect(sink.join(seconds: 30))
        #expect(pipe.readToEnd() == (0..<1000).map { "line \($0)\n" }.joined())
        #expect(sink.droppedLines == 0)
    }

    @Test func threadsNeverMixTheirLines() throws {
        let pipe = LogPipe()
        let sink = try makeSink(pipe, limit: 16 << 20)
        let threads = 8
        let each = 100
        // Longer than PIPE_BUF, so that a write from several threads at once would come apart.
        let padding = String(repeating: "x", count: 5000)
        let group = DispatchGroup()
        for thread in 0..<threads {
            DispatchQueue.global().async(group: group) {
                for number in 0..<each { write("\(thread) \(number) \(padding)\n", to: sink) }
            }
        }
        let lines = pipe.readLines(threads * each)
        group.wait()
        #expect(lines.count == threads * each)
        var next = [Int](repeating: 0, count: threads)
        for line in lines {
            let parts = line.split(separator: " ")
            let thread = try #require(parts.first.flatMap { Int($0) })
            #expect(parts.count == 3 && Int(parts[1]) == next[thread] && parts[2] == padding)
            next[thread] += 1
        }
        #expect(sink.droppedLines == 0)
    }

    @Test func aStalledReaderCostsLinesAndNoTime() throws {
        let pipe = LogPipe()
        let filled = pipe.fill()
        let sink = try makeSink(pipe, limit: 1000)
        // The writer is stuck with at most one batch, and 1000 bytes wait: the rest must go, and this loop must end.
        for number in 0..<10_000 { write("line \(number)\n", to: sink) }
        let dropped = sink.droppedLines
        #expect(dropped >= 10_000 - 2 * 1000 / "line 0\n".utf8.count)
        #expect(!sink.flush(seconds: 0))
        pipe.discard(filled)
        // The reader goes on: what waited comes, with the count of what did not.
        #expect(sink.flush(seconds: 30))
        write("after\n", to: sink)
        var lines: [String] = []
        while lines.last != "after" {
            let next = pipe.readLines(1)
            try #require(!next.isEmpty)
            lines += next
        }
        let reported = lines.compactMap { $0.hasPrefix("dropped ") ? Int($0.dropFirst(8)) : nil }
        #expect(reported.reduce(0, +) == dropped)
        #expect(lines.count { $0.hasPrefix("line ") } == 10_000 - dropped)
        #expect(lines.first == "line 0")
        #expect(sink.droppedLines == dropped)
    }

    @Test func aBatchGoesWholeOrNotAtAll() throws {
        let pipe = LogPipe()
        let sink = try makeSink(pipe, limit: 20)
        write("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n", to: sink)
        #expect(pipe.readLines(1) == ["dropped 11"])
        #expect(sink.droppedLines == 11)
    }

    @Test func aReaderThatLeftIsAnErrorAndNotTheEnd() throws {
        let pipe = LogPipe()
        let sink = try makeSink(pipe)
        pipe.closeReader()
        write("nobody\nreads\n", to: sink)
        #expect(sink.flush(seconds: 30))
        #expect(sink.droppedLines == 2)
        write("this\n", to: sink)
        sink.close()
        #expect(sink.join(seconds: 30))
        #expect(sink.droppedLines == 3)
    }

    @Test func aNonBlockingDescriptorIsWaitedFor() throws {
        let pipe = LogPipe()
        _ = fcntl(pipe.writer, F_SETFL, O_NONBLOCK)
        let sink = try makeSink(pipe)
        let line = String(repeating: "y", count: 999) + "\n"
        for _ in 0..<500 { write(line, to: sink) }
        #expect(pipe.readLines(500).allSatisfy { $0.utf8.count == 999 })
        #expect(sink.droppedLines == 0)
    }

    @Test func afterTheEndLinesAreCounted() throws {
        let pipe = LogPipe()
        let sink = try makeSink(pipe)
        sink.close()
        write("late\n", to: sink)
        #expect(sink.join(seconds: 30))
        #expect(sink.droppedLines == 1)
        #expect(pipe.readToEnd() == "")
    }

    @Test func theThreadGoesWithTheSink() throws {
        let pipe = LogPipe()
        var sink: LogSink? = try makeSink(pipe)
        if let sink { write("last\n", to: sink) }
        sink = nil
        #expect(pipe.readLines(1) == ["last"])
    }
}
