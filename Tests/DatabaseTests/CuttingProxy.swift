import Dispatch
import Foundation
import Synchronization
import TestSupport

/// Between a driver and a PostgreSQL server: cuts the connection after so many messages of the protocol.
final class CuttingProxy: Sendable {
    enum Direction: Sendable, CaseIterable {
        case toServer, toClient
    }

    enum Manner: Sendable, CaseIterable {
        /// Both ends see the end of the connection, between two messages.
        case closed
        /// The same in the middle of a message.
        case halved
        /// Nothing comes through any more, and nobody is told.
        case silent
    }

    struct Plan: Sendable, CustomStringConvertible {
        let direction: Direction
        let manner: Manner
        /// Whether nobody gets in afterwards, until the proxy is mended.
        let staysAway: Bool

        var description: String { "\(direction) \(manner)\(staysAway ? ", then away" : "")" }
    }

    private struct State {
        var plan: Plan?
        /// Messages that still come through.
        var left = 0
        var wasCut = false
        var isAway = false
        var open: [ObjectIdentifier: Pair] = [:]
    }

    /// One connection through the proxy.
    private final class Pair: Sendable {
        let client: Socket
        let server: Socket
        let isSilent = Atomic(false)

        init(client: Socket, server: Socket) { (self.client, self.server) = (client, server) }

        func end() {
            client.end()
            server.end()
        }
    }

    private let state = Mutex(State())
    private let socketPath: String
    private let listener = Mutex<LoopbackListener?>(nil)
    let port: Int

    /// In front of the server whose socket file is at `path`.
    init(to path: String) throws {
        socketPath = path
        let proxy = Weak()
        let listener = try LoopbackListener { proxy.value?.serve($0) }
        port = listener.port
        self.listener.withLock { $0 = listener }
        proxy.set(self)
    }

    /// From now on `count` messages come through in the plan's direction, and the next does not.
    func arm(_ plan: Plan, after count: Int) {
        state.withLock { ($0.plan, $0.left, $0.wasCut) = (plan, count, false) }
    }

    /// From now on everything comes through. Whether there was a cut.
    @discardableResult
    func mend() -> Bool {
        state.withLock { state in
            (state.plan, state.isAway) = (nil, false)
            return state.wasCut
        }
    }

    /// Whether the plan that was armed last has been carried out.
    var wasCut: Bool { state.withLock { $0.wasCut } }

    /// Ends all connections and lets nobody in, as a server does that is stopped.
    func goAway() {
        let open = state.withLock { state in
            state.isAway = true
            return Array(state.open.values)
        }
        for pair in open { pair.end() }
    }

    /// Returns once no connection is open any more.
    func waitUntilEmpty() async throws {
        try await eventually("no connection is open") { state.withLock { $0.open.isEmpty } }
    }

    /// Lets nobody in from now on, as a host does that is gone: connections are refused, and those that are open stay.
    func refuse() { listener.withLock { $0 }?.close() }

    func close() {
        goAway()
        refuse()
    }

    private func serve(_ client: Socket) {
        guard !state.withLock({ $0.isAway }), let server = try? Socket(path: socketPath) else { return }
        let pair = Pair(client: client, server: server)
        state.withLock { $0.open[ObjectIdentifier(pair)] = pair }
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            self.pump(from: server, to: client, .toClient, pair)
            done.signal()
        }
        pump(from: client, to: server, .toServer, pair)
        done.wait()
        state.withLock { $0.open[ObjectIdentifier(pair)] = nil }
        server.close()
    }

    private func pump(from source: Socket, to target: Socket, _ direction: Direction, _ pair: Pair) {
        var messages = ProtocolMessages(beginsWithoutType: direction == .toServer)
        while true {
            let bytes = source.read()
            if bytes.isEmpty { break }
            for message in messages.take(bytes) where !pair.isSilent.load(ordering: .relaxed) {
                guard let manner = cut(direction) else {
                    target.write(message)
                    continue
                }
                if manner == .halved { target.write(Array(message[..<(message.count / 2)])) }
                guard manner == .silent else {
                    pair.end()
                    return
                }
                pair.isSilent.store(true, ordering: .relaxed)
            }
        }
        pair.end()
    }

    /// Counts a message; how it is cut, if it is.
    private func cut(_ direction: Direction) -> Manner? {
        state.withLock { state in
            guard let plan = state.plan, plan.direction == direction else { return nil }
            state.left -= 1
            guard state.left < 0 else { return nil }
            (state.plan, state.wasCut, state.isAway) = (nil, true, plan.staysAway)
            return plan.manner
        }
    }

    /// Known to the listener before the proxy is complete.
    private final class Weak: Sendable {
        private struct Reference: @unchecked Sendable {
            // The proxy is Sendable; a weak variable of it is guarded by the lock around it.
            weak var proxy: CuttingProxy?
        }

        private let reference = Mutex(Reference())
        var value: CuttingProxy? { reference.withLock { $0.proxy } }
        func set(_ proxy: CuttingProxy) { reference.withLock { $0.proxy = proxy } }
    }
}

/// A stream of bytes cut into messages: a type, then a length that counts itself (PostgreSQL 15 manual, §55.7). The
/// first of a client has no type.
private struct ProtocolMessages {
    private var rest: [UInt8] = []
    private var isFirst: Bool

    init(beginsWithoutType: Bool) { isFirst = beginsWithoutType }

    mutating func take(_ bytes: [UInt8]) -> [[UInt8]] {
        rest += bytes
        var messages: [[UInt8]] = []
        var start = 0
        while true {
            let prefix = isFirst ? 0 : 1
            guard rest.count >= start + prefix + 4 else { break }
            let length = rest[(start + prefix)..<(start + prefix + 4)].reduce(0) { $0 << 8 | Int($1) }
            let end = start + prefix + length
            guard rest.count >= end else { break }
            messages.append(Array(rest[start..<end]))
            (start, isFirst) = (end, false)
        }
        rest.removeFirst(start)
        return messages
    }
}
