import Glibc

/// What the kernel knows of this process. Reads files of `/proc`: not for loops.
struct ProcessReading: Sendable {
    var cpuSeconds = 0.0
    var residentBytes = 0
    var virtualBytes = 0
    var openDescriptors = 0
    var maximumDescriptors = 0
    var threads = 0

    /// As it is now. What cannot be read is zero.
    static func now() -> ProcessReading {
        var reading = ProcessReading()
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            reading.cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
        }
        let page = sysconf(Int32(_SC_PAGESIZE))
        let memory = words(of: "/proc/self/statm").prefix(2).compactMap { Int($0) }
        if memory.count == 2 { (reading.virtualBytes, reading.residentBytes) = (memory[0] * page, memory[1] * page) }
        reading.openDescriptors = countDescriptors()
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            reading.maximumDescriptors = Int(clamping: limit.rlim_cur)
        }
        reading.threads = stat(17) ?? 0
        return reading
    }

    /// When the process began, in seconds since 1970.
    static func startTime() -> Double {
        var now = timespec()
        var sinceBoot = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        clock_gettime(CLOCK_BOOTTIME, &sinceBoot)
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        guard let began = stat(19) else { return seconds(now) }
        return seconds(now) - (seconds(sinceBoot) - Double(began) / ticks)
    }

    /// A field of `/proc/self/stat` by its number behind the name, which may hold anything: proc(5) counts from 3 there.
    private static func stat(_ place: Int) -> Int? {
        let text = text(of: "/proc/self/stat")
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return place < fields.count ? Int(fields[place]) : nil
    }

    private static func countDescriptors() -> Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return max(0, count - 3)  // . and .., and the descriptor of this look
    }

    private static func words(of path: String) -> [Substring] { text(of: path).split(separator: " ") }

    private static func text(of path: String) -> String {
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    private static func seconds(_ time: timespec) -> Double { Double(time.tv_sec) + Double(time.tv_nsec) / 1e9 }
}
