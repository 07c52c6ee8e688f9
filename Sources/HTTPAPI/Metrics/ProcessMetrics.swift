import Foundation

/// What the kernel says of this process, under the names that Prometheus's own clients use.
package enum ProcessMetrics {
    /// As of now; what the system does not tell is left out.
    package static var current: [MetricFamily] {
        var families = [
            MetricFamily("process_cpu_seconds_total", .counter, "Processor time spent.", seconds: processorTime)
        ]
        if let bytes = residentBytes {
            families.append(MetricFamily("process_resident_memory_bytes", .gauge, "Memory resident.", bytes))
        }
        if let count = openDescriptors {
            families.append(MetricFamily("process_open_fds", .gauge, "Open file descriptors.", count))
        }
        return families
    }

    private static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// The second number of /proc/self/statm is the resident set in pages; source: proc(5).
    private static var residentBytes: Int? {
        guard let data = FileManager.default.contents(atPath: "/proc/self/statm") else { return nil }
        let numbers = String(decoding: data, as: UTF8.self).split(separator: " ")
        return numbers.count > 1 ? Int(numbers[1]).map { $0 * sysconf(Int32(_SC_PAGESIZE)) } : nil
    }

    private static var openDescriptors: Int? {
        // Without /proc it is not known, and left out.
        try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }
}
