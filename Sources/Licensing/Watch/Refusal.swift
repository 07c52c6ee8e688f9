package import Primitives
import Secrets

/// An answer that refused an installation, as it waits in memory to be stored.
struct Refusal: Sendable {
    let verdict: Verdict
    let installation: Installation?
    /// Where the request came from, through our own proxies.
    let client: CanonicalAddress
    let at: Timestamp
    /// What an unknown key hashes to, in each of its readings, so that a key which memory lost can be told from one
    /// that never was. Not stored.
    let unknownKeys: [KeyedHash]
}

/// A refusal as operators read it.
package struct RefusalRecord: Sendable, Equatable {
    /// Nil when the key was malformed or unknown.
    package let license: LicenseID?
    /// A `Verdict`'s code.
    package let code: String
    package let at: Timestamp
    /// Nil once the customer was erased.
    package let installation: RefusedInstallation?
}

/// Who was refused: personal data, sealed where it is stored.
package struct RefusedInstallation: Sendable, Equatable {
    package let domain: String?
    package let installationID: String?
    /// The claimed address, or the observed one when none was claimed.
    package let address: String?
    /// The observed address.
    package let peer: String?
}

/// Which refusals a list is about.
package enum RefusalFilter: Sendable {
    case all
    case license(LicenseID)
    /// Those with malformed and unknown keys.
    case unknownKeys
}
