import Foundation
import HTTPAPI
import Hummingbird
import Journal
import Licensing
import Logging
import NIOCore
import Primitives
import ServiceLifecycle
import Synchronization
import UnixSignals
import Upkeep

/// Serves installations over TCP and operators over the Unix socket until it is told to stop.
package struct Server: Sendable {
    /// File descriptors kept for the database, the log and the like.
    private static let descriptorReserve = 128
    /// Connections that wait to be accepted.
    private static let backlog = 1024
    /// Longest path of a Unix socket in bytes, without the final NUL; source: unix(7).
    private static let socketPathBytesMax = 107

    private let signet: Signet

    package init(_ signet: Signet) { self.signet = signet }

    /// Why the server cannot start.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case socketPathTooLong(String)
        case cannotListen(String, reason: String)

        package var description: String {
            switch self {
            case .socketPathTooLong(let path):
                "the socket path \(path) has more than \(socketPathBytesMax) bytes; choose a shorter data directory"
            case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
            }
        }
    }

    /// Serves until SIGTERM or SIGINT. `onReady` is called once with the bound address, when all listeners answer, and
    /// before it `onAdminReady`, unless there is no listener for monitors.
    package func run(
        onReady: @escaping @Sendable (Settings.Listen) -> Void,
        onAdminReady: @escaping @Sendable (Settings.Listen) -> Void = { _ in }
    ) async throws {
        guard signet.settings.socketPath.utf8.count <= Self.socketPathBytesMax else {
            throw Failure.socketPathTooLong(signet.settings.socketPath)
        }
        try await signet.join()
        let settings = signet.settings
        let readiness = Readiness(
            waitsForAdmin: settings.listenAdmin != nil, onReady: onReady, onAdminReady: onAdminReady)
        let census = ConnectionCensus(
            perClientMax: settings.connectionsPerClientMax, perProxyMax: settings.connectionsPerProxyMax,
            proxies: settings.trustedProxies)
        var services: [any Service] = [
            Listener(address: settings.listen, application: clients(census, readiness)), operators(readiness),
        ]
        services += PeriodicService.all(of: signet)
        if settings.isShared { services.append(FeedService(signet: signet)) }
        if let address = settings.listenAdmin {
            services.append(Listener(address: address, application: admin(on: address, census, readiness)))
        }
        let group = ServiceGroup(
            configuration: .init(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: signet.logger))
        defer { unlink(signet.settings.socketPath) }
        try await group.run()
    }

    private func clients(_ census: ConnectionCensus, _ readiness: Readiness) -> some Service {
        let settings = signet.settings
        let api = PublicAPI(signet.backend, proxies: settings.trustedProxies)
        return Application(
            router: api.router(), server: .clients(census),
            configuration: .init(
                address: .hostname(settings.listen.host, port: settings.listen.port), backlog: Self.backlog,
                availableConnectionsDelegate: .maximum(
                    Self.connectionsMax(settings, signet.logger), logger: signet.logger)),
            onServerRunning: { readiness.clientsServed(on: $0) }, logger: signet.logger)
    }

    /// Monitors have connections of their own, so that one is never shut out by a crowd of installations.
    private func admin(
        on address: Settings.Listen, _ census: ConnectionCensus, _ readiness: Readiness
    ) -> some Service {
        let api = AdminAPI(licensing: signet.licensing) { census.metrics + ProcessMetrics.current }
        return Application(
            router: api.router(), server: .clients(ConnectionCensus()),
            configuration: .init(address: .hostname(address.host, port: address.port)),
            onServerRunning: { readiness.adminServed(on: $0) }, logger: signet.logger)
    }

    private func operators(_ readiness: Readiness) -> some Service {
        let path = signet.settings.socketPath
        return Application(
            router: OperatorAPI(signet.backend).router(), server: .operators(),
            configuration: .init(address: .unixDomainSocket(path: path)),
            onServerRunning: { _ in
                chmod(path, 0o600)
                readiness.operatorsServed()
            }, logger: signet.logger)
    }

    /// The setting, or less where the system grants fewer descriptors.
    private static func connectionsMax(_ settings: Settings, _ logger: Logger) -> Int {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let granted = max(1, Int(clamping: limit.rlim_cur) - descriptorReserve)
        if granted < settings.connectionsMax {
            logger.notice("the limit on open files allows fewer connections", metadata: ["max": "\(granted)"])
        }
        return min(settings.connectionsMax, granted)
    }
}

/// A listener over TCP whose failure names its address.
private struct Listener<Application: Service>: Service {
    let address: Settings.Listen
    let application: Application

    func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            throw Server.Failure.cannotListen(address.description, reason: error.reasonOnly)
        }
    }
}

/// Calls back once, when all listeners answer.
private final class Readiness: Sendable {
    private struct State: Sendable {
        var address: Settings.Listen?
        var admin: Settings.Listen?
        var operators = false
        var isTold = false
    }

    private let waitsForAdmin: Bool
    private let onReady: @Sendable (Settings.Listen) -> Void
    private let onAdminReady: @Sendable (Settings.Listen) -> Void
    private let state = Mutex(State())

    init(
        waitsForAdmin: Bool, onReady: @escaping @Sendable (Settings.Listen) -> Void,
        onAdminReady: @escaping @Sendable (Settings.Listen) -> Void
    ) {
        self.waitsForAdmin = waitsForAdmin
        self.onReady = onReady
        self.onAdminReady = onAdminReady
    }

    func clientsServed(on channel: any Channel) { update { $0.address = channel.listening } }

    func adminServed(on channel: any Channel) { update { $0.admin = channel.listening } }

    func operatorsServed() { update { $0.operators = true } }

    private func update(_ change: (inout State) -> Void) {
        let ready = state.withLock { state -> State? in
            change(&state)
            guard state.operators, state.address != nil, !waitsForAdmin || state.admin != nil, !state.isTold
            else { return nil }
            state.isTold = true
            return state
        }
        if let admin = ready?.admin { onAdminReady(admin) }
        if let address = ready?.address { onReady(address) }
    }
}

extension Channel {
    /// Where it was bound.
    fileprivate var listening: Settings.Listen? {
        guard let address = localAddress, let host = address.ipAddress, let port = address.port else { return nil }
        return Settings.Listen(host: host, port: port)
    }
}

extension IOError {
    fileprivate var reasonOnly: String { String(cString: strerror(errnoCode)) }
}
