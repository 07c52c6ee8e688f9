import CZlib

/// The ZLIB data format (RFC 1950), through the system's zlib.
enum Zlib {
    /// `bytes` compressed as well as zlib can. Nil if zlib has no memory for it.
    static func compress(_ bytes: [UInt8]) -> [UInt8]? {
        var count = compressBound(uLong(bytes.count))
        var status = Z_OK
        let compressed = [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, written in
            status = compress2(buffer.baseAddress, &count, bytes, uLong(bytes.count), Z_BEST_COMPRESSION)
            written = status == Z_OK ? Int(count) : 0
        }
        return status == Z_OK ? compressed : nil
    }

    /// What `bytes` hold, or nil unless they are one whole ZLIB stream, nothing after it, of at most `countMax` bytes.
    /// No more than that is ever allocated, whatever the stream would grow to.
    static func decompress(_ bytes: [UInt8], countMax: Int) -> [UInt8]? {
        var count = uLong(countMax)
        var consumed = uLong(bytes.count)
        var status = Z_OK
        let decompressed = [UInt8](unsafeUninitializedCapacity: countMax) { buffer, written in
            status = uncompress2(buffer.baseAddress, &count, bytes, &consumed)
            written = status == Z_OK ? Int(count) : 0
        }
        guard status == Z_OK, consumed == uLong(bytes.count) else { return nil }
        return decompressed
    }
}
