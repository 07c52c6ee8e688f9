package import Access
import Database
package import Journal
import LicenseToken
package import Primitives

extension LicensingService {
    /// The longest life that a token is given today: how long a key must have been published before it signs.
    /// Licenses may choose a longer one than their product.
    package var longestTokenLife: Duration {
        max(.days(catalog.longestTokenDays), .seconds(index.longestTokenLifeSeconds))
    }

    /// Publishes a further signing key, which no time is set for: its record and the schedule it is in.
    package func publishKey(
        dryRun: Bool, by provenance: Provenance, receipt: Receipt<PublishedKey> = .none
    ) async throws -> PublishedKey {
        var keyID = ""
        let keep: @Sendable (KeySchedule, [String], WriteTransaction) throws -> Void = { schedule, fresh, transaction in
            _ = try receipt.covering(transaction) { Self.published(fresh[0], in: schedule) }
        }
        let schedule = try await keys.change(dryRun: dryRun, by: provenance, answered: keep) { schedule, spares in
            schedule.publish(spares[0], at: provenance.at)
            keyID = spares[0].keyID
        }
        return Self.published(keyID, in: schedule)
    }

    /// A signing key that was just published, and the schedule it is in.
    package typealias PublishedKey = (key: SigningKeyRecord, schedule: KeySchedule)

    private static func published(_ keyID: String, in schedule: KeySchedule) -> PublishedKey {
        guard let record = schedule.key(keyID) else { preconditionFailure("a key just published is in the schedule") }
        return (record, schedule)
    }

    /// Sets when the next signing key takes over; see `KeySchedule.rotate`. Throws `SigningKeyRefusal`.
    package func rotateKeys(
        at asked: Timestamp?, force: Bool, dryRun: Bool, by provenance: Provenance
    ) async throws -> KeySchedule {
        let life = longestTokenLife
        return try await keys.change(dryRun: dryRun, forced: force, by: provenance) { schedule, spares in
            try schedule.rotate(asked: asked, force: force, tokenLife: life, spares: spares, at: provenance.at)
        }
    }

    /// Takes a signing key back at once; see `KeySchedule.revoke`. Throws `SigningKeyRefusal`.
    package func revokeKey(
        _ keyID: String, force: Bool, dryRun: Bool, by provenance: Provenance
    ) async throws -> KeySchedule {
        let life = longestTokenLife
        return try await keys.change(dryRun: dryRun, forced: force, by: provenance) { schedule, spares in
            try schedule.revoke(keyID, force: force, tokenLife: life, spares: spares, at: provenance.at)
        }
    }

    /// The ids of the keys whose private halves may be destroyed and are not recorded as that.
    package func destroyableKeys(at now: Timestamp) -> [String] {
        let schedule = keys.schedule(at: now)
        return schedule.keys.filter { key in
            let state = schedule.state(of: key, at: now)
            return key.destroyedAt == nil && (state == .retired || state == .revoked)
        }.map(\.keyID)
    }
}
