import Journal
import Licensing
import Logging
import Primitives
import ServiceLifecycle

/// Looks after seats every minute: leases that run out, license files that end, limits that were lowered.
struct SeatKeeperService: Service {
    /// A lease is five minutes or more. The first round comes a period after the start, so that installations whose
    /// lease ran out while no server was there can be back before.
    private static let period = Duration.seconds(60)

    let keeper: SeatKeeper
    let clock: any WallClock
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.period)  // ends early only to end the loop
                if !Task.isCancelled { await keep() }
            }
        }
    }

    private func keep() async {
        do {
            let provenance = Provenance(actor: "signet", requestID: "seat-keeper", at: clock.now())
            let released = try await keeper.keep(by: provenance)
            if released > 0 { logger.info("seats became free", metadata: ["seats": "\(released)"]) }
        } catch {
            logger.warning("seats were not looked after; they will be", metadata: ["error": "\(error)"])
        }
    }
}
