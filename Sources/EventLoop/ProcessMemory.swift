import CLibevent
import Glibc

/// Gives memory back that is not needed any more. Any thread. Takes milliseconds after a load of thousands of streams, in which
/// allocations on other threads may wait: it is for quiet moments.
public enum ProcessMemory {
    /// Has the allocator return large blocks as they are freed. Before there are threads.
    ///
    /// glibc maps blocks from 128 KiB on separately, but moves that bound up to the largest block it has seen freed, 32 MiB at most;
    /// from then on such blocks lie in the heap of the thread. ``releaseUnused()`` cannot give back what is free at the end of
    /// such a heap, and a few large bodies would stay resident for ever. Fixed bounds are not moved.
    public static func returnLargeBlocks() {
        _ = mallopt(clev_malloc_mmap_threshold, 1 << 20)
        _ = mallopt(clev_malloc_trim_threshold, 512 << 10)
    }

    /// Address space that a loop's heap may write to from the beginning, and the size of the blocks that reach it: below the bound from
    /// which glibc maps blocks separately, 128 KiB.
    private static let preparedHeap = 32 << 20
    private static let preparedBlock = 120 << 10

    /// Has the calling thread's heap grow to 32 MiB and shrink again, once at its beginning.
    ///
    /// glibc makes the heap of a thread writable page by page as it grows, a system call each, but leaves writable what it gave back.
    /// The first batch of 1,000 items made 1,846 such calls, 8 ms of its time. Costs some 0.3 ms and no memory: the pages come with
    /// their first use, as ever.
    static func prepareThreadHeap() {
        let blocks = (0..<preparedHeap / preparedBlock).map { _ in malloc(preparedBlock) }
        for block in blocks.reversed() { free(block) }
    }

    /// Returns the heap's free pages, unmaps the pages of program code that were read in so far, and has the kernel read single
    /// pages from now on.
    ///
    /// A start runs through code that serving never touches again (argument parsing, YAML, metadata look-ups), a peak through code
    /// that a quiet service does not need, and the kernel maps 16 pages around each one it reads: some 10 MB that would stay
    /// resident for the life of the daemon. Code pages are clean copies of files, so what is needed again comes back from the page
    /// cache, about 0.5 µs a page, once. Data is left alone. Code stays where `/proc` is not mounted.
    public static func releaseUnused() {
        malloc_trim(0)
        guard let maps = fopen("/proc/self/maps", "re") else { return }
        defer { fclose(maps) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while getline(&line, &capacity, maps) > 0, let text = line {
            guard let range = codeRange(String(cString: text)) else { continue }
            madvise(range.start, range.count, MADV_RANDOM)
            madvise(range.start, range.count, MADV_DONTNEED)
        }
    }

    /// The range of a line of `/proc/self/maps` that maps a file's code: executable, not writable, private.
    static func codeRange(_ line: String) -> (start: UnsafeMutableRawPointer, count: Int)? {
        let fields = line.split(separator: " ", maxSplits: 5)
        guard fields.count == 6, fields[1] == "r-xp", fields[4] != "0" else { return nil }
        let ends = fields[0].split(separator: "-")
        guard ends.count == 2, let start = UInt(ends[0], radix: 16), let end = UInt(ends[1], radix: 16), start < end,
            let pointer = UnsafeMutableRawPointer(bitPattern: start)
        else { return nil }
        return (pointer, Int(end - start))
    }
}
