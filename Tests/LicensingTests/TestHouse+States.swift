import Customers
import Database
import Journal
import Primitives
import TestSupport
import Testing

@testable import Licensing

extension TestHouse {
    /// Changes how a license stands, in the name of `holder`, as billing would: in a transaction of its own, through
    /// the registrar.
    @discardableResult
    func change(
        _ license: IssuedLicense, _ transition: LicenseTransition, by holder: LicenseHold.Holder = .operator,
        reason: String? = nil
    ) async throws -> LicenseChanged {
        let provenance = provenance(actor: holder == .operator ? "uid:0/login:1000" : "billing", reason: reason)
        let registrar = licensing.registrar
        return try await database.write { transaction in
            try registrar.transition(transition, of: license.id, by: holder, provenance, in: transaction)
        } committed: { [licensing] in
            licensing.apply($0.changes)
        }
    }

    /// The license as it is stored.
    func record(_ license: IssuedLicense) async throws -> LicenseRecord {
        try #require(try await licensing.license(license.id))
    }

    /// Types of the events about a license, in order.
    func events(of license: IssuedLicense) async throws -> [String] {
        try await texts("SELECT type FROM journal WHERE subject = '\(license.id)' ORDER BY sequence")
    }

    /// What is sealed in the events of `type`, in order; nil where nothing is.
    func sealed(_ type: String) async throws -> [String?] {
        let journal = journal
        return try await database.read { transaction in
            try transaction.all("SELECT id, data FROM journal WHERE type = ? ORDER BY sequence", type) { row in
                try journal.personalData(of: row.randomID(0), data: row.text(1), in: transaction).map {
                    String(decoding: $0, as: UTF8.self)
                }
            }
        }
    }
}

extension LicenseStanding {
    /// As tables write it.
    func name(at now: Timestamp) -> String {
        if revocation != nil { return "revoked" }
        var license = license
        license.state = .active
        let clock = license.status(at: now).rawValue
        if holds.isEmpty { return clock }
        let suspended = (["suspended"] + holds.map(\.holder.rawValue)).joined(separator: " ")
        return clock == "active" ? suspended : "\(suspended), \(clock)"
    }
}
