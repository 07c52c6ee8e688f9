#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Whole pages of zeros from the kernel. They go back to it when this ends: tables that grow leave no holes in the
/// heap.
struct Pages: ~Copyable {
    private static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
    /// From this many bytes on, pages of 2 MiB are asked for, under which a random lookup misses the TLB less: a
    /// quarter of its time at ten million records. Smaller tables would share one, which would outlive the first of
    /// them.
    private static let hugeMin = 2 << 20

    let start: UnsafeMutableRawPointer
    let byteCount: Int

    /// `byteCount` bytes, 1 or more, rounded up to whole pages. Traps when there is no memory, as every allocation
    /// does.
    init(byteCount: Int) {
        self.byteCount = (byteCount + Self.pageSize - 1) / Self.pageSize * Self.pageSize
        let pages = mmap(nil, self.byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
        guard let pages, pages != MAP_FAILED else {
            preconditionFailure("no memory for \(byteCount) bytes of the index")
        }
        start = pages
        #if os(Linux)
        if self.byteCount >= Self.hugeMin { madvise(pages, self.byteCount, MADV_HUGEPAGE) }
        #endif
    }

    deinit { munmap(start, byteCount) }
}
