import Crypto
import Primitives

/// Writes files one after another into a tar archive.
struct TapeWriter {
    private let file: OpenFile
    /// Time of change of every file, seconds since 1970.
    private let seconds: Int64

    init(_ file: OpenFile, seconds: Int64) {
        self.file = file
        self.seconds = seconds
    }

    func append(_ name: String, _ bytes: [UInt8]) throws(OpenFile.Failure) {
        try begin(name, Int64(bytes.count))
        try file.write(bytes)
        try pad(Int64(bytes.count))
    }

    /// Appends the first `bytes` of another file. Throws also when it ends before.
    func append(_ name: String, _ source: OpenFile, bytes: Int64) throws(OpenFile.Failure) {
        try begin(name, bytes)
        guard try source.copy(bytes: bytes, to: file) else {
            throw OpenFile.Failure(path: source.path, reason: "it became shorter")
        }
        try pad(bytes)
    }

    /// Ends the archive, durable when this returns; its bytes.
    func finish() throws(OpenFile.Failure) -> Int64 {
        try file.write([UInt8](repeating: 0, count: 2 * TapeHeader.blockBytes))
        try file.synchronize()
        return try file.size()
    }

    private func begin(_ name: String, _ bytes: Int64) throws(OpenFile.Failure) {
        try file.write(TapeHeader(file: name, bytes: bytes).encoded(seconds: seconds))
    }

    private func pad(_ bytes: Int64) throws(OpenFile.Failure) {
        try file.write([UInt8](repeating: 0, count: Int(TapeHeader.padding(after: bytes))))
    }
}

extension Hexadecimal {
    /// SHA-256 of `bytes` as digits.
    static func sha256(of bytes: [UInt8]) -> String { encode(SHA256.hash(data: bytes)) }
}
