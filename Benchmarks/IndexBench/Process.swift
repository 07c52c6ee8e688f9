#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What this process uses.
enum Process {
    /// Bytes of it that are in memory, from `/proc`.
    static var residentBytes: Int {
        guard let file = fopen("/proc/self/statm", "r") else { preconditionFailure("no /proc on this machine") }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { preconditionFailure("an empty /proc/self/statm") }
        let fields = line.prefix { $0 != 0 }.split(separator: CChar(32))
        guard fields.count > 1, let pages = Int(String(decoding: fields[1].map(UInt8.init), as: UTF8.self)) else {
            preconditionFailure("/proc/self/statm in another form")
        }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Nanoseconds of all its threads so far.
    static var cpuNanoseconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
    }
}
