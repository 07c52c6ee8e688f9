import NIOCore

#if canImport(Glibc)
import Glibc
#endif

/// Who is at the other end of the Unix socket, as the kernel says.
package struct PeerCredentials: Sendable, Equatable {
    package let uid: UInt32
    /// The user that logged in, whatever it became since (`sudo`); nil when the kernel does not keep it.
    package let loginUID: UInt32?

    /// The kernel's value for a process that no login began.
    private static let noLogin = UInt32.max

    package init(uid: UInt32, loginUID: UInt32?) {
        self.uid = uid
        self.loginUID = loginUID == Self.noLogin ? nil : loginUID
    }

    /// This process itself: a command that runs the application in its own process.
    package static var ownProcess: PeerCredentials {
        PeerCredentials(uid: geteuid(), loginUID: loginUID(process: "self"))
    }

    /// The name under which changes are recorded: `uid:0/login:1000`.
    package var actor: String { "uid:\(uid)" + (loginUID.map { "/login:\($0)" } ?? "") }

    /// Whether this peer may operate: it runs as we do, or is root.
    var isTrusted: Bool { uid == geteuid() || uid == 0 }

    /// The credentials of the process connected to `channel`.
    static func of(_ channel: any Channel) -> EventLoopFuture<PeerCredentials> {
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        let credentials: EventLoopFuture<KernelCredentials> = provider.unsafeGetSocketOption(
            level: SocketOptionLevel(SOL_SOCKET), name: SocketOptionName(SO_PEERCRED))
        return credentials.map { PeerCredentials(uid: $0.uid, loginUID: loginUID(process: String($0.pid))) }
    }

    /// `struct ucred` of unix(7), which the C library's headers hide from us.
    private struct KernelCredentials: Sendable {
        let pid: Int32
        let uid: UInt32
        let gid: UInt32
    }

    private static func loginUID(process: String) -> UInt32? {
        guard let file = fopen("/proc/\(process)/loginuid", "r") else { return nil }
        defer { fclose(file) }
        var digits = [CChar](repeating: 0, count: 16)
        guard fgets(&digits, Int32(digits.count), file) != nil else { return nil }
        return UInt32(String(decoding: digits.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
}

/// Keeps a connection's credentials where its requests find them.
final class PeerCredentialsHandler: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = NIOAny

    let credentials: PeerCredentials

    init(_ credentials: PeerCredentials) { self.credentials = credentials }
}
