package import Primitives

/// How a license of WHMCS's licensing addon stands: what the addon says of it, and what billing says of the service it
/// is sold as. `Tables/whmcs.txt` of the tests shows what becomes of each case.
package struct WHMCSStanding: Sendable, Equatable {
    /// Bytes of a reason for a suspension.
    static let reasonBytesMax = 500

    /// What the addon says. The raw values are WHMCS's.
    package enum License: String, Sendable, CaseIterable {
        case active = "Active"
        /// The next check tells it where it is used from then on.
        case reissued = "Reissued"
        case suspended = "Suspended"
        case expired = "Expired"
    }

    /// What billing says. The raw values are WHMCS's.
    package enum Service: String, Sendable, CaseIterable {
        case pending = "Pending"
        case active = "Active"
        case suspended = "Suspended"
        case terminated = "Terminated"
        case cancelled = "Cancelled"
        case fraud = "Fraud"
        /// Sold once and delivered.
        case completed = "Completed"
    }

    /// That an operator told billing not to suspend it, whatever is owed.
    package enum Exemption: Sendable, Equatable {
        case always
        case until(CivilDate)
    }

    package let license: License
    package let service: Service
    /// The day on which the next payment is due; nil for what is paid once or never.
    package let nextDue: CivilDate?
    package let suspendReason: String?
    package let exemption: Exemption?

    package init(
        license: License, service: Service, nextDue: CivilDate? = nil, suspendReason: String? = nil,
        exemption: Exemption? = nil
    ) {
        self.license = license
        self.service = service
        self.nextDue = nextDue
        self.suspendReason = suspendReason
        self.exemption = exemption
    }
}

/// How an imported license will stand here.
package struct ImportedStanding: Sendable, Equatable {
    /// What holds it back.
    package enum Hold: Sendable, Equatable {
        case nothing
        /// Suspended because it is unpaid: lifted when billing says so.
        case billing(reason: String)
        /// Suspended for another reason: no payment lifts it.
        case `operator`(reason: String)
        /// Over for good.
        case revoked(reason: String)
    }

    /// When it ends.
    package enum End: Sendable, Equatable {
        case never
        case through(CivilDate)
        /// It has ended on a day that nobody knows; not after this one, if it is given.
        case past(CivilDate?)
    }

    package let hold: Hold
    package let end: End
    /// Whether the places it was used at come along. Those of a reissued license are forgotten there too.
    package let keepsLocations: Bool
}

extension WHMCSStanding {
    /// What billing writes, or leaves out, where a service is suspended because it is unpaid.
    private static let unpaidReasons: Set<String> = ["", "overdue on payment"]

    /// What becomes of it. `suspendAfterDays`: the days after the due date on which billing there suspends what is
    /// unpaid; nil when it does not, and then no date ends a license that billing calls active.
    package func imported(suspendAfterDays: Int?) -> ImportedStanding {
        ImportedStanding(
            hold: hold, end: end(isSuspendedWhenOverdue: suspendAfterDays != nil), keepsLocations: license != .reissued)
    }

    private var hold: ImportedStanding.Hold {
        switch service {
        case .terminated, .cancelled, .fraud: .revoked(reason: "\(service.rawValue) in WHMCS")
        case .pending: .billing(reason: "Pending in WHMCS")
        case .suspended: suspension
        case .active, .completed: license == .suspended ? suspension : .nothing
        }
    }

    private var suspension: ImportedStanding.Hold {
        let reason = suspendReason ?? ""
        return Self.unpaidReasons.contains(reason.lowercased())
            ? .billing(reason: "Overdue in WHMCS") : .operator(reason: reason)
    }

    private func end(isSuspendedWhenOverdue: Bool) -> ImportedStanding.End {
        // What is terminated the addon calls expired too; there billing knows better.
        if license == .expired, service == .active || service == .completed { return .past(nextDue) }
        guard service != .completed, isSuspendedWhenOverdue, let nextDue else { return .never }
        switch exemption {
        case .always: return .never
        case .until(let day): return .through(max(day, nextDue))
        case nil: return .through(nextDue)
        }
    }
}

extension ImportedStanding.End {
    /// The last valid day as of `today`, and nil for never. What has ended stays where it ended once it is here, which
    /// `known` says.
    package func lastDay(known: CivilDate?, today: CivilDate) -> CivilDate? {
        switch self {
        case .never: return nil
        case .through(let day): return day
        case .past(let day):
            let yesterday = today.adding(days: -1)
            if let known, known <= yesterday { return known }
            return min(day ?? yesterday, yesterday)
        }
    }
}
