import EventLoop
import Glibc
import Testing

@Suite(.timeLimit(.minutes(1))) struct ProcessMemoryTests {
    /// A loop's heap need not ask the system for every page it grows by.
    @Test func aLoopsHeapIsWritableFromTheBeginning() async throws {
        let fixture = try LoopFixture()
        let writable = await fixture.on { _ in
            let block = malloc(64)
            defer { free(block) }
            return bytesWritable(around: UInt(bitPattern: block))
        }
        #expect(writable >= 32 << 20)
    }
}

/// The size of the writable mapping that `address` lies in, as `/proc/self/maps` tells.
private func bytesWritable(around address: UInt) -> UInt {
    guard let maps = fopen("/proc/self/maps", "re") else { return 0 }
    defer { fclose(maps) }
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    while getline(&line, &capacity, maps) > 0, let text = line {
        let fields = String(cString: text).split(separator: " ")
        let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        if ends.count == 2, ends[0]..<ends[1] ~= address { return fields[1].hasPrefix("rw") ? ends[1] - ends[0] : 0 }
    }
    return 0
}
