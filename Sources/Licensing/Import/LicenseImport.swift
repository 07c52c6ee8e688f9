import Primitives

/// What a line says about a license, as it will be brought in.
struct ImportPlan {
    let imported: ImportedLicense
    let standing: ImportedStanding
    let target: LicenseImporter.Target
    let run: LicenseImporter.Run
    /// Where it may be used there; nowhere once it was reissued.
    let places: ImportedPlaces

    init(
        imported: ImportedLicense, standing: ImportedStanding, target: LicenseImporter.Target,
        run: LicenseImporter.Run
    ) {
        self.imported = imported
        self.standing = standing
        self.target = target
        self.run = run
        places =
            standing.keepsLocations
            ? ImportedPlaces(domains: imported.domains, addresses: imported.addresses) : .none
    }
}

/// A license on its way in: how it stands, and what was done so far.
struct LicenseImport {
    let plan: ImportPlan
    private(set) var license: License
    var notes: [ImportNote] = []
    /// For memory, after the commit.
    private(set) var changes: [IndexChange] = []

    init(_ plan: ImportPlan, _ license: License) {
        self.plan = plan
        self.license = license
    }

    var run: LicenseImporter.Run { plan.run }
    var id: LicenseID { license.id }

    /// Notes a change and the license after it.
    mutating func took(_ changes: [IndexChange], _ license: License) {
        self.changes += changes
        self.license = license
    }
}

// MARK: - What it chooses otherwise than its product

extension ImportPlan {
    /// A license chooses for itself where its product would allow less than the other system did, and leaves the rest
    /// to the product.
    func overrides() -> PolicySettings {
        let policy = target.product.policy
        var overrides = PolicySettings()
        overrides.maxActivations = ownLimit
        if target.imported.allowsAnyAddress, policy.addressesPerSeat < Policy.addressesPerSeatMax {
            overrides.addressesPerSeat = Policy.addressesPerSeatMax
        }
        if case .through = standing.end, let days = run.batch.suspendAfterDays,
            Int64(days) * CivilDate.secondsPerDay > policy.graceSeconds
        {
            overrides.graceDays = days
        }
        if standing.end == .never, policy.durationDays != nil { overrides.durationDays = 0 }
        return overrides
    }

    /// Its own limit of activations, or nil for the product's.
    private var ownLimit: Int? {
        let limit = target.product.policy.maxActivations
        guard limit > 0 else { return nil }
        if target.imported.allowsAnyDomain { return 0 }
        let needed = places.seats(under: target.product.policy)
        return needed > limit ? needed : nil
    }

    /// That it has a limit of its own because it was used at more places than its product allows, in case it was.
    var limitNotes: [ImportNote] {
        guard let ownLimit, ownLimit > 0 else { return [] }
        return [ImportNote(.limitRaised, "It was used at \(ownLimit) places, so it has \(ownLimit) activations.")]
    }

    /// That billing there calls it active although its time is over, in case it is.
    var overdueNotes: [ImportNote] {
        guard standing.hold == .nothing, case .through(let day) = standing.end,
            day.adding(days: Int64(run.batch.suspendAfterDays ?? 0)) < run.today
        else { return [] }
        return [
            ImportNote(.overdue, "It is active there although payment was due on \(day): it has expired here.")
        ]
    }
}

extension ImportedStanding.Hold {
    static let (billingName, operatorName) = ("billing", "operator")

    /// What the next import remembers it by.
    var name: String {
        switch self {
        case .nothing: "nothing"
        case .billing: Self.billingName
        case .operator: Self.operatorName
        case .revoked: "revoked"
        }
    }
}
