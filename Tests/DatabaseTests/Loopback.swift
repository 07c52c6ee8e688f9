import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A listening socket of 127.0.0.1 until it is closed.
final class LoopbackListener: Sendable {
    struct Failed: Error {
        let call: String
        let code: Int32
    }

    let port: Int
    private let descriptor: Int32
    private let servesItself: Bool
    private let isClosed = Mutex(false)

    /// Each connection is handed to `serve` on a thread of its own, and closed after it; without `serve` none is taken.
    init(backlog: Int32 = 64, serve: (@Sendable (Socket) -> Void)?) throws {
        descriptor = socket(AF_INET, streamType, 0)
        var address = loopbackAddress(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let fd = descriptor
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(fd, pointer, length) == 0 && listen(fd, backlog) == 0 && getsockname(fd, pointer, &length) == 0
            }
        }
        guard bound else { throw Failed(call: "bind", code: errno) }
        port = Int(UInt16(bigEndian: address.sin_port))
        servesItself = serve != nil
        guard let serve else { return }
        Thread.detachNewThread {
            while true {
                let accepted = accept(fd, nil, nil)
                guard accepted >= 0 else { break }
                Thread.detachNewThread {
                    let socket = Socket(descriptor: accepted)
                    serve(socket)
                    socket.close()
                }
            }
            closeDescriptor(fd)
        }
    }

    /// Nobody gets in any more. Who accepts closes: the number of a closed descriptor may be another's at once.
    func close() {
        let wasClosed = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return isClosed
        }
        guard !wasClosed else { return }
        shutdown(descriptor, Int32(SHUT_RDWR))
        if !servesItself { closeDescriptor(descriptor) }
    }

    deinit { close() }
}

/// One end of a connection. Whoever opened it closes it, once; anybody may end it before.
final class Socket: Sendable {
    private let descriptor: Int32
    private let isOpen = Mutex(true)

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// A connection to the socket file at `path`.
    init(path: String) throws {
        descriptor = socket(AF_UNIX, streamType, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let fd = descriptor
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else {
            let code = errno
            close()
            throw LoopbackListener.Failed(call: "connect", code: code)
        }
    }

    /// Begins a connection to a port of 127.0.0.1 without waiting for it.
    init(beginningAt port: Int) {
        descriptor = socket(AF_INET, streamType, 0)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var address = loopbackAddress(port: port)
        let fd = descriptor
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// What comes next, up to `count` bytes; none at the end.
    func read(_ count: Int = 65_536) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = max(0, recv(descriptor, buffer.baseAddress, count, 0))
        }
    }

    /// Exactly `count` bytes; nil where the connection ends before.
    func readExactly(_ count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = read(count - bytes.count)
            if more.isEmpty { return nil }
            bytes += more
        }
        return bytes
    }

    /// Whether all could be sent.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Ends the connection in both directions; whoever reads from it sees the end. Nothing once it is closed: its
    /// number may be another's.
    func end() { isOpen.withLock { if $0 { shutdown(descriptor, Int32(SHUT_RDWR)) } } }

    func close() {
        isOpen.withLock { isOpen in
            if isOpen { closeDescriptor(descriptor) }
            isOpen = false
        }
    }
}

private func closeDescriptor(_ descriptor: Int32) {
    #if canImport(Glibc)
    _ = Glibc.close(descriptor)
    #else
    _ = Darwin.close(descriptor)
    #endif
}

#if canImport(Glibc)
private let streamType = Int32(SOCK_STREAM.rawValue)
#else
private let streamType = SOCK_STREAM
#endif

private func loopbackAddress(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return address
}
