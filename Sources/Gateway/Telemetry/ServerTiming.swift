import EventLoop
import HTTP
import JSON
import Providers

/// The `Server-Timing` of an answer (W3C Server Timing): where its time went, in milliseconds.
///
/// `queue, connect, upstream, first-token, stream, blocked, gateway, total`, those that are zero left out but for the last two. Each is
/// cut to whole microseconds and `gateway` is what is left, so that the parts add up to `total` exactly.
struct ServerTiming {
    private let times: RequestTimes

    init(_ times: RequestTimes) { self.times = times }

    /// Appends the field's value.
    func append(to bytes: inout [UInt8]) {
        let total = times.total.wholeMicroseconds
        var rest = total
        func append(_ name: StaticString, _ part: Duration) {
            let microseconds = part.wholeMicroseconds
            guard microseconds > 0 else { return }
            rest -= microseconds
            ServerTiming.append(name, microseconds, to: &bytes)
            bytes.appendRaw(", ")
        }
        append("queue", times.queue)
        append("connect", times.connect)
        append("upstream", times.upstream)
        append("first-token", times.firstToken)
        append("stream", times.stream)
        append("blocked", times.blocked)
        ServerTiming.append("gateway", rest, to: &bytes)
        bytes.appendRaw(", ")
        ServerTiming.append("total", total, to: &bytes)
    }

    private static func append(_ name: StaticString, _ microseconds: Int64, to bytes: inout [UInt8]) {
        bytes.appendRaw(name)
        bytes.appendRaw(";dur=")
        bytes.appendJSON(Int(microseconds / 1000))
        bytes.append(UInt8(ascii: "."))
        var divisor: Int64 = 100
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(microseconds / divisor % 10))
            divisor /= 10
        }
    }
}

extension RunReport: ResponseTiming {
    func clientBlocks(at time: MonotonicTime) { calls?.setBlocked(true, at: time) }

    func clientTakes(at time: MonotonicTime) { calls?.setBlocked(false, at: time) }

    func appendValue(to output: inout [UInt8]) { ServerTiming(times(at: .now)).append(to: &output) }

    /// Where the request's time went until `time`.
    func times(at time: MonotonicTime) -> RequestTimes {
        calls?.times(at: time) ?? RequestTimes(gateway: max(.zero, time - received))
    }
}
