import Database
package import Primitives

/// What the revocation of a license ends, and until when installations that do not ask may go on.
package struct RevocationReach: Sendable, Equatable {
    /// Seats that are taken, staging ones included: their installations are refused at their next check.
    package let seats: Int64
    /// When the last token that is out has ended; nil when it has.
    package let tokensUntil: Timestamp?
    /// When the last license file ends, wherever the list of revoked licenses does not come; nil without one.
    package let filesUntil: Timestamp?
    /// Offline keys, which only that list ends.
    package let offlineKeys: Int64
}

extension LicenseStore {
    /// What the revocation of `record`'s license ends, as seen at `now`; nil when it is not revoked.
    func reach(of record: LicenseRecord, at now: Timestamp, in transaction: ReadTransaction) throws -> RevocationReach?
    {
        guard let revocation = record.revocation else { return nil }
        let license = record.license
        let lastToken = min(
            revocation.at + .seconds(license.policy.tokenLifeSeconds),
            license.graceUntil ?? license.expiresAt ?? .distantFuture)
        let lastFile = try transaction.first(
            "SELECT max(ends_at) FROM license_files WHERE license_id = ? AND ends_at > ?", license.id, now
        ) { $0.optionalTimestamp(0) }
        return RevocationReach(
            seats: try transaction.count(
                "SELECT count(*) FROM activations WHERE license_id = ? AND released_at IS NULL",
                arguments: [license.id.sqlValue]),
            tokensUntil: lastToken > now ? lastToken : nil, filesUntil: lastFile ?? nil,
            offlineKeys: try transaction.count(
                "SELECT count(*) FROM license_keys WHERE license_id = ? AND kind = 'offline'",
                arguments: [license.id.sqlValue]))
    }
}
