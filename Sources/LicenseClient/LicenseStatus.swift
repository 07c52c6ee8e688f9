public import LicenseToken

/// What a ``LicenseClient`` knows about its license, without having asked anyone. All instants are unix seconds.
public struct LicenseStatus: Sendable, Equatable {
    /// What to say of it in one word.
    public let state: LicenseState

    /// Whether the software may run in full. Act on this: keep out an administrator, never a visitor.
    public let isUsable: Bool

    /// Why: the last verdict (`VALID`, `EXPIRED_GRACE`, `ACTIVATION_LIMIT`), the token's refusal (`expired`,
    /// `wrong_domain`), or the problem of this machine (`key_set_unusable`). Nil before the first check.
    public let code: String?

    /// A sentence for the administrator. It comes from the network: escape it where it is shown.
    public let message: String

    /// Where to do something about it, as the service last said: an `https` or `http` address.
    public let actionURL: String?

    /// What the token says, if it holds: type, features, when the license and when the token end.
    public let license: VerifiedLicense?

    /// The last check failed, and this is what was known before.
    public let isStale: Bool

    /// Until when the software is usable if no check succeeds any more. Nil if it is not usable.
    public let usableUntil: Int64?

    /// When the service will be asked next; 0 before the first check.
    public let nextCheckAt: Int64

    /// The number of the signed key set that is in force; 0 while the pinned keys are.
    public let keySetSequence: Int64

    /// The number of the list of revoked licenses that is held; 0 for none.
    public let revocationSequence: Int64

    /// What is wrong on this machine: `clock_set_back`, `state_unreadable`, `state_not_writable`, how the last check
    /// failed, or why a key set or list was not taken in beside it (`keys: outdated`).
    public let warnings: [String]

    /// What the service wants the vendor's customer to know while the license is still valid.
    public let notices: [LicenseNotice]
}

/// One word for what is known about a license. Later releases may add some: decide by ``LicenseStatus/isUsable``.
public struct LicenseState: RawRepresentable, Hashable, Sendable {
    /// The word, the same in all of our clients.
    public let rawValue: String

    /// A state by its word, known to this release or not.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// A token holds.
    public static let licensed = LicenseState(rawValue: "licensed")
    /// A token holds, and the last check failed. Nothing to do before the token ends.
    public static let outage = LicenseState(rawValue: "outage")
    /// The first 72 hours, in which the service was never reached and the key has the right check symbol.
    public static let provisional = LicenseState(rawValue: "provisional")
    /// This machine cannot verify anything, which says nothing about the license. Usable for 72 hours.
    public static let unverifiable = LicenseState(rawValue: "unverifiable")
    /// The service ended it, by an answer or by the list of revoked licenses.
    public static let ended = LicenseState(rawValue: "ended")
    /// No token holds.
    public static let unlicensed = LicenseState(rawValue: "unlicensed")
}

/// A warning of the service, such as that more seats are taken than the license has.
public struct LicenseNotice: Sendable, Hashable {
    /// The stable name.
    public let code: String

    /// A sentence. It comes from the network: escape it where it is shown.
    public let message: String
}

/// What became of a call of ``LicenseClient/refreshIfDue(force:)``. Later releases may add some.
public struct RefreshOutcome: RawRepresentable, Hashable, Sendable {
    /// The word, the same in all of our clients.
    public let rawValue: String

    /// An outcome by its word, known to this release or not.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// A new token is stored.
    public static let updated = RefreshOutcome(rawValue: "updated")
    /// The license is valid, and the token that is held ends later than the new one.
    public static let kept = RefreshOutcome(rawValue: "kept")
    /// The service ended the license.
    public static let ended = RefreshOutcome(rawValue: "ended")
    /// The service refused; a token that is held goes on holding until its end.
    public static let refused = RefreshOutcome(rawValue: "refused")
    /// No usable answer. ``LicenseStatus/warnings`` says why.
    public static let failed = RefreshOutcome(rawValue: "failed")
    /// No check is due.
    public static let notDue = RefreshOutcome(rawValue: "not_due")
    /// The cache directory cannot be written, or another process held it for too long: then nothing is asked.
    public static let notRecorded = RefreshOutcome(rawValue: "not_recorded")
    /// This machine could not verify an answer, so none is asked for.
    public static let unverifiable = RefreshOutcome(rawValue: "unverifiable")
    /// ``LicenseClient/Configuration/servers`` is empty: this installation has no network.
    public static let offline = RefreshOutcome(rawValue: "offline")
}
