import Cluster
import Database
import LicenseToken
package import Primitives
import Secrets
import Synchronization

// What changes where several nodes sign: a key signs only when every live node holds its private file (DESIGN D11).
extension SigningKeyRing {
    /// Looks at the private files again: takes up those that came, removes those of keys that another node destroyed.
    /// The ids of all keys whose files are here. Called with each sign of life. Throws `SecretsError`.
    package func lookAtFiles(at now: Timestamp) throws -> [String] {
        let schedule = schedule(at: now)
        for key in schedule.keys where key.destroyedAt != nil { try files.destroy(key.keyID) }
        let present = try files.present()
        adopt(schedule, present, at: now)
        return present.map(\.keyID).sorted()
    }

    /// Takes over what the database says now. Throws `DatabaseError`, `SecretsError`.
    package func reload(at now: Timestamp) async throws {
        let store = store
        adopt(try await database.read { try Self.storedSchedule(store, in: $0) }, try files.present(), at: now)
    }

    /// Throws `SecretsError` naming the file of a key that signs, or whose time is set, when it is not here.
    package func checkFiles(at now: Timestamp) throws {
        _ = try Self.signers(of: schedule(at: now), files, isShared: database.isShared, at: now)
    }

    /// Lets no key sign, now or at a set time, whose private file a live node lacks: what that node answered would
    /// carry no token. Forced, it is enough that somebody holds it. `fresh`: keys made here just now. Behind the write
    /// gate, so no node can tell that it lacks one meanwhile. Throws `SigningKeyRefusal.notEverywhere`.
    func requireFiles(
        ofTurnsSet keyIDs: [String], _ fresh: [SigningKey], forced: Bool, in transaction: WriteTransaction
    ) throws {
        guard database.isShared, !keyIDs.isEmpty else { return }
        let live = try nodes.live(in: transaction.reading)
        for keyID in keyIDs {
            let isHere = fresh.contains { $0.keyID == keyID } || snapshot.withLock { $0.signers[keyID] != nil }
            let lacking = live.lacking(keyID)
            let isSomewhere = isHere || lacking.count < live.count
            guard isSomewhere, forced || lacking.isEmpty else {
                throw SigningKeyRefusal.notEverywhere(keyID, nodes: lacking)
            }
        }
    }

    /// For each key that needs its private file everywhere, the live nodes that lack it. Nothing where one process has
    /// the database. Throws `DatabaseError`.
    package func lackingNodes(at now: Timestamp) async throws -> [String: [String]] {
        guard database.isShared else { return [:] }
        let nodes = nodes
        let live = try await database.read { try nodes.live(in: $0) }
        return neededFiles(at: now).reduce(into: [:]) { $0[$1] = live.lacking($1) }
    }

    /// The ids of the keys that sign or will, whose private files each node should hold.
    package func neededFiles(at now: Timestamp) -> [String] {
        let schedule = schedule(at: now)
        return schedule.published(at: now).filter { schedule.state(of: $0, at: now) != .verifying }.map(\.keyID)
    }
}
