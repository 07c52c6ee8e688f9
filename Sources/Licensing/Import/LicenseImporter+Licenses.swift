import Customers
import Database
import Journal
import Primitives
import Secrets

extension LicenseImporter {
    /// What a line says of a license, in parts that are compared each for itself.
    private enum Part {
        static let (customer, product, key, hold, end) = ("customer", "product", "key", "hold", "end")
        static let (places, legacy) = ("places", "legacy")
    }

    func license(_ imported: ImportedLicense, _ run: Run) throws -> Line {
        guard let target = run.targets[imported.product] else { throw ImportNote.productMissing(imported.product) }
        let standing = imported.standing.imported(suspendAfterDays: run.batch.suspendAfterDays)
        let before = try links.find(.license, imported.id, in: run.reading)
        let digests = digests(of: imported, standing, target)
        guard before?.digests != digests else {
            return Line(outcome: .unchanged, internalID: LicenseID(databaseValue: before?.internalID ?? 0).description)
        }
        let plan = ImportPlan(imported: imported, standing: standing, target: target, run: run)
        let change =
            if let before {
                try update(plan, before, changed: { digests.differs(from: before.digests, in: $0) })
            } else {
                try create(plan)
            }
        try links.store(
            ImportLink(
                kind: .license, externalID: imported.id, internalID: change.id.databaseValue, digests: digests,
                legacy: LegacyFacts(imported, hold: standing.hold.name).stored, version: before?.version ?? 0),
            by: run.provenance, in: run.transaction)
        return Line(
            outcome: before == nil ? .created : .updated, internalID: change.id.description,
            notes: change.notes + plan.overdueNotes, changes: change.changes)
    }

    private func digests(
        of license: ImportedLicense, _ standing: ImportedStanding, _ target: Target
    ) -> ImportDigests {
        var digests = ImportDigests()
        let places = standing.keepsLocations ? license.domains + ["at"] + license.addresses : []
        let parts = [
            (Part.customer, license.customer), (Part.product, target.product.code.text), (Part.key, license.key.text),
            (Part.hold, "\(standing.hold)"), (Part.end, "\(standing.end)"),
            (Part.places, places.joined(separator: "\n")), (Part.legacy, LegacyFacts(license, hold: "").stored),
        ]
        for (part, content) in parts { digests.note(part, content, by: licenses.hashes) }
        return digests
    }

    // MARK: - A new license

    private func create(_ plan: ImportPlan) throws -> LicenseImport {
        let (imported, run) = (plan.imported, plan.run)
        try checkKey(imported.key, of: nil, run)
        let customer = try customer(imported.customer, run).customer
        let lastDay = plan.standing.end.lastDay(known: nil, today: run.today)
        let new = try NewLicense(
            customer: customer.id, product: plan.target.product, overrides: plan.overrides(),
            expiry: lastDay.map(Expiry.through) ?? .never)
        let license = try licenses.issue(
            new, importedKey: imported.key, customers: customers, by: run.provenance, in: run.transaction)
        var change = LicenseImport(plan, license)
        change.notes = plan.limitNotes
        // The license before its key: a request that finds the key finds the license.
        change.took([.license(license), .key(licenses.hashes.hash(of: imported.key), license.id)], license)
        // Seats are taken of a license in force only.
        try claimPlaces(&change)
        try setHold(&change, before: nil)
        return change
    }

    /// A key opens one license. A key of another system must not read as one of ours either, which would come first.
    private func checkKey(_ key: ImportedKey, of own: LicenseID?, _ run: Run) throws {
        let holder = try KeyReading(key.text, forms: run.forms).first(licenses.hashes) {
            try licenses.holder(ofKeyHash: $0, in: run.reading)
        }
        guard let holder, holder != own else { return }
        throw ImportNote(.keyTaken, "The key that ends in \(key.last4) opens \(holder) already.")
    }

    // MARK: - A license that came before

    private func update(
        _ plan: ImportPlan, _ link: ImportLink, changed: (String) -> Bool
    ) throws -> LicenseImport {
        let id = LicenseID(databaseValue: link.internalID)
        guard let license = try licenses.current(id, in: plan.run.reading) else {
            throw DatabaseError.corrupt(detail: "the link of \(link.externalID) leads to no license")
        }
        if license.productID != plan.target.product.id {
            throw ImportNote(.productChanged, "The license is for another product here; upgrade it or map it there.")
        }
        var change = LicenseImport(plan, license)
        if changed(Part.key) { try addKey(&change) }
        if changed(Part.customer) { try transfer(&change) }
        if changed(Part.end) { try setEnd(&change) }
        let lifts = plan.standing.hold == .nothing
        if changed(Part.hold), lifts { try setHold(&change, before: link) }
        if changed(Part.places) {
            try releasePlaces(&change)
            try claimPlaces(&change)
        }
        if changed(Part.hold), !lifts { try setHold(&change, before: link) }
        return change
    }

    private func addKey(_ change: inout LicenseImport) throws {
        let (key, run) = (change.plan.imported.key, change.run)
        try checkKey(key, of: change.id, run)
        let hash = licenses.hashes.hash(of: key)
        guard try licenses.holder(ofKeyHash: hash, in: run.reading) == nil else { return }
        let license = try licenses.add(key, to: change.license, by: run.provenance, in: run.transaction)
        change.took([.license(license), .key(hash, license.id)], license)
        change.notes.append(
            ImportNote(.keyAdded, "Its key is another one there now; the earlier one goes on to open it here."))
    }

    private func transfer(_ change: inout LicenseImport) throws {
        let customer = try customer(change.plan.imported.customer, change.run).customer
        guard customer.id != change.license.customerID else { return }
        try transition(.transfer(to: customer.id), by: .operator, &change)
    }

    private func setEnd(_ change: inout LicenseImport) throws {
        // What is over for good has no end to be moved; whether it comes back, the hold says.
        if case .revoked = change.plan.standing.hold { return }
        let known = change.license.expiresAt?.lastValidDay
        let day = change.plan.standing.end.lastDay(known: known, today: change.run.today)
        guard day != known else { return }
        try transition(.renew(.until(day.map(Expiry.through) ?? .never)), by: .billing, &change)
    }

    // MARK: - What holds it back

    /// Brings the holds in line with the standing there. A hold that somebody set here is not lifted: only the
    /// operators' hold that an import set before, which the link remembers.
    private func setHold(_ change: inout LicenseImport, before link: ImportLink?) throws {
        let before = link.flatMap { LegacyFacts(stored: $0.legacy).hold }
        let hold = change.plan.standing.hold
        switch hold {
        case .nothing: break
        case .billing(let reason): try transition(.suspend, by: .billing, &change, reason: reason)
        case .operator(let reason): try transition(.suspend, by: .operator, &change, reason: reason)
        case .revoked(let reason): try transition(.revoke, by: .billing, &change, reason: reason)
        }
        if case .revoked = hold { return }
        guard link != nil else { return }
        if hold.name != ImportedStanding.Hold.billingName {
            try transition(.reinstate(liftingBilling: false), by: .billing, &change)
        }
        if before == ImportedStanding.Hold.operatorName, hold.name != before {
            try transition(.reinstate(liftingBilling: false), by: .operator, &change)
        }
    }

    private func transition(
        _ transition: LicenseTransition, by holder: LicenseHold.Holder, _ change: inout LicenseImport,
        reason: String? = nil
    ) throws {
        let given = change.run.provenance
        let provenance = Provenance(
            actor: given.actor, requestID: given.requestID, at: given.at, reason: reason ?? given.reason)
        let changed = try registrar.transition(
            transition, of: change.id, by: holder, provenance, in: change.run.transaction)
        change.took(changed.changes, changed.after.license)
    }
}
