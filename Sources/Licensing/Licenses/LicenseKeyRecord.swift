package import Primitives
import Secrets

/// A key of a license as the database holds it: what is told of it without telling the key.
package struct LicenseKeyRecord: Sendable, Equatable {
    /// What may be typed as a license key.
    package enum Kind: String, Sendable, CaseIterable {
        /// Ours, in the short form.
        case native
        /// `LK1-…`: verified without a network too.
        case offline
        /// Of another system.
        case imported
    }

    /// The end and the clock together.
    package enum State: String, Sendable, CaseIterable {
        case live
        /// It opens its license until its end.
        case ending
        case ended
    }

    let hash: KeyedHash
    package let license: LicenseID
    package let kind: Kind
    /// The last four symbols.
    package let last4: String
    package let createdAt: Timestamp
    /// The instant from which it opens nothing; nil for never.
    package var validUntil: Timestamp?

    /// The end and the clock together: at the instant of its end a key is ended.
    package func state(at now: Timestamp) -> State {
        guard let validUntil else { return .live }
        return now < validUntil ? .ending : .ended
    }
}

/// A key that is told again, and what is known of it.
package struct RevealedKey: Sendable, Equatable {
    package let record: LicenseKeyRecord
    /// As it is typed. A secret: for the one who asked, never for a log.
    package let text: String
}
