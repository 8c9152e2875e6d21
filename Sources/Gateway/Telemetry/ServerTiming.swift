import EventLoop
import HTTP
import Providers

/// The `Server-Timing` of an answer (W3C Server Timing): where its time went, in milliseconds.
///
/// `queue, connect, upstream, first-token, stream, blocked, gateway, total`, those that are zero left out but for the last two. Each is
/// cut to whole microseconds and `gateway` is what is left, so that the parts add up to `total` exactly.
struct ServerTiming {
    private let parts: RequestTimes.Parts

    init(_ times: RequestTimes) { parts = times.parts }

    /// Room for eight parts with their names and as many digits as there are.
    private static let longest = 8 * 44

    /// Appends the field's value.
    func append(to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: ServerTiming.longest) { buffer in
            var line = TimingLine(buffer)
            let total = parts.total / 1000
            var rest = total
            rest -= line.add("queue", parts.queue / 1000)
            rest -= line.add("connect", parts.connect / 1000)
            rest -= line.add("upstream", parts.upstream / 1000)
            rest -= line.add("first-token", parts.firstToken / 1000)
            rest -= line.add("stream", parts.stream / 1000)
            rest -= line.add("blocked", parts.blocked / 1000)
            line.write("gateway", rest)
            line.write(", ")
            line.write("total", total)
            bytes.append(contentsOf: line.written)
        }
    }
}

/// A value that is being written, into room that is large enough.
private struct TimingLine {
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private var count = 0

    init(_ buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

    var written: Slice<UnsafeMutableBufferPointer<UInt8>> { buffer[..<count] }

    /// Writes a part and what separates it from the next one, unless it is zero; gives it back.
    mutating func add(_ name: StaticString, _ microseconds: UInt64) -> UInt64 {
        guard microseconds > 0 else { return 0 }
        write(name, microseconds)
        write(", ")
        return microseconds
    }

    /// Writes a part in milliseconds, with three decimals.
    mutating func write(_ name: StaticString, _ microseconds: UInt64) {
        write(name)
        write(";dur=")
        var digits = 4
        var least: UInt64 = 10_000
        while microseconds >= least, digits < 19 {
            digits += 1
            least *= 10
        }
        var rest = microseconds
        var place = count + digits
        count = place + 1
        while place >= count - 1 - digits {
            if place == count - 4 {
                buffer[place] = UInt8(ascii: ".")
            } else {
                buffer[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            place -= 1
        }
    }

    mutating func write(_ text: StaticString) {
        for place in 0..<text.utf8CodeUnitCount { buffer[count + place] = text.utf8Start[place] }
        count += text.utf8CodeUnitCount
    }
}

extension RunReport: ResponseTiming {
    func clientBlocks(at time: MonotonicTime) { calls?.setBlocked(true, at: time) }

    func clientTakes(at time: MonotonicTime) { calls?.setBlocked(false, at: time) }

    func appendValue(to output: inout [UInt8]) { ServerTiming(times(at: .now)).append(to: &output) }

    /// Where the request's time went until `time`.
    func times(at time: MonotonicTime) -> RequestTimes {
        calls?.times(at: time) ?? RequestTimes(blocked: arrived - received, gateway: time - arrived)
    }
}
