import Cluster
import Journal
import Licensing
import Logging
import Primitives
import ServiceLifecycle
import Upkeep

/// Work that a server does again and again beside its answers. A round that fails is told and tried again in the next.
struct PeriodicService: Service {
    /// Between the end of a round and the beginning of the next; the first begins a period after the start.
    let period: Duration
    let logger: Logger
    /// What the log says of a round that failed.
    let failure: Logger.Message
    let round: @Sendable () async throws -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: period)  // ends early only to end the loop
                if !Task.isCancelled { await work() }
            }
        }
    }

    private func work() async {
        do { try await round() } catch { logger.warning(failure, metadata: ["error": "\(error)"]) }
    }
}

// MARK: - What there is to do

extension PeriodicService {
    /// All of them. What memory alone knows is stored once more when the application closes.
    static func all(of signet: Signet) -> [PeriodicService] {
        ofThisNode(signet) + ofOneNode(signet) + (signet.isShared ? besideOthers(signet) : [])
    }

    /// What each node does with its own memory.
    private static func ofThisNode(_ signet: Signet) -> [PeriodicService] {
        [lastSeen(signet), refusals(signet), revocations(signet), endedKeys(signet)]
    }

    /// What one node does for all, under a lease.
    private static func ofOneNode(_ signet: Signet) -> [PeriodicService] { [seals(signet), seats(signet)] }

    /// What there is to do only where others serve the same database.
    private static func besideOthers(_ signet: Signet) -> [PeriodicService] {
        [signsOfLife(signet), goneNodes(signet), removals(signet)]
    }

    /// Tells other nodes that this one lives, and keeps its leases.
    private static func signsOfLife(_ signet: Signet) -> PeriodicService {
        PeriodicService(
            period: Membership.period, logger: signet.logger, failure: "no sign of life was given; one will be"
        ) { try await signet.membership.beat() }
    }

    /// Forgets nodes that died long ago.
    private static func goneNodes(_ signet: Signet) -> PeriodicService {
        PeriodicService(
            period: .seconds(3600), logger: signet.logger,
            failure: "nodes that are gone were not forgotten; they will be"
        ) { try await signet.membership.alone("nodes") { try await signet.membership.forgetGone() } }
    }

    /// Stores times of last use. The period is what a crash may lose of these times, and of nothing else.
    private static func lastSeen(_ signet: Signet) -> PeriodicService {
        PeriodicService(
            period: .seconds(5), logger: signet.logger, failure: "times of last use were not stored; they will be"
        ) { try await signet.storeTimes() }
    }

    /// Stores refusals. The period is what a crash may lose of their log.
    private static func refusals(_ signet: Signet) -> PeriodicService {
        PeriodicService(
            period: .seconds(5), logger: signet.logger, failure: "refusals were not stored; they will be"
        ) { try await signet.licensing.storeRefusals(at: signet.clock.now()) }
    }

    /// Publishes a new list of revoked licenses when there is anything new to say. The period is how long a revocation
    /// is in no list. Each node signs what it serves; the number of a list is given once, whoever comes first.
    private static func revocations(_ signet: Signet) -> PeriodicService {
        PeriodicService(
            period: .seconds(2), logger: signet.logger,
            failure: "no new list of revoked licenses was made; the last one is served"
        ) {
            let provenance = Provenance(actor: "signet", requestID: "revocations", at: signet.clock.now())
            try await signet.licensing.revocations.publish(by: provenance)
        }
    }

    /// Seals the journal behind the writers, one small transaction after another, so that activations come in between.
    /// The period is how long an event waits for its seal without load.
    private static func seals(_ signet: Signet) -> PeriodicService {
        PeriodicService(
            period: .seconds(3), logger: signet.logger, failure: "the journal was not sealed; it will be"
        ) {
            try await signet.membership.alone("seals") {
                while try await signet.upkeep.chain.seal() == JournalChain.batchMax, !Task.isCancelled {}
            }
        }
    }

    /// Lets memory forget license keys whose end is long over. The period bounds what it remembers for nothing.
    private static func endedKeys(_ signet: Signet) -> PeriodicService {
        PeriodicService(
            period: .seconds(3600), logger: signet.logger, failure: "ended keys were not forgotten; they will be"
        ) { signet.licensing.forgetEndedKeys(at: signet.clock.now()) }
    }

    /// Forgets which places are gone. The period bounds what is kept for nothing.
    private static func removals(_ signet: Signet) -> PeriodicService {
        PeriodicService(
            period: .seconds(3600), logger: signet.logger,
            failure: "places that are gone were not forgotten; they will be"
        ) {
            try await signet.membership.alone("removals") {
                try await signet.licensing.pruneRemovals(at: signet.clock.now())
            }
        }
    }

    /// Looks after seats: leases that run out (five minutes or more), license files that end, limits that were lowered.
    /// Installations whose lease ran out while no server was there have a period to be back before.
    private static func seats(_ signet: Signet) -> PeriodicService {
        let keeper = SeatKeeper(signet.licensing)
        return PeriodicService(
            period: .seconds(60), logger: signet.logger, failure: "seats were not looked after; they will be"
        ) {
            let provenance = Provenance(actor: "signet", requestID: "seat-keeper", at: signet.clock.now())
            try await signet.membership.alone("seats") {
                let released = try await keeper.keep(by: provenance)
                if released > 0 { signet.logger.info("seats became free", metadata: ["seats": "\(released)"]) }
            }
        }
    }
}
