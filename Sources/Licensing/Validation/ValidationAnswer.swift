package import Primitives

/// A check that an installation or an operator asks for, its members already in canonical form.
package struct ValidationRequest: Sendable {
    /// As it was typed.
    package let licenseKey: String
    /// Nil only for an operator who looks at the license itself.
    package let installation: Installation?
    /// The product that asks, or nil for any.
    package let product: String?
    /// The version of the software that asks, or nil if it does not say.
    package let version: SoftwareVersion?
    /// Echoed, and signed into a token made for this call alone.
    package let nonce: String?
    /// Whether a newcomer takes a seat.
    package let activates: Bool
    /// Whether the seat is asked for on purpose: by `activate`, not by `validate`.
    package let isExplicit: Bool
    /// A token of an earlier answer, which proves which seat is the installation's own; not checked yet.
    package let token: String?

    package init(
        licenseKey: String, installation: Installation?, product: String?, version: SoftwareVersion? = nil,
        nonce: String?, activates: Bool, isExplicit: Bool = false, token: String? = nil
    ) {
        self.licenseKey = licenseKey
        self.installation = installation
        self.product = product
        self.version = version
        self.nonce = nonce
        self.activates = activates
        self.isExplicit = isExplicit
        self.token = token
    }
}

/// What a check is answered with.
package struct ValidationAnswer: Sendable {
    /// The license as the holder of its key may know it.
    package struct License: Sendable {
        package let facts: LicenseFacts
        package let policy: Policy
        package let product: Product
        /// When the key that opened it ends; nil for one that does not.
        package var keyEndsAt: Timestamp?

        /// The instant at which even those who hold a seat are refused.
        package var graceEnd: Timestamp { facts.graceEnd(under: policy) }
    }

    /// The place in a seat, or the development host, that was validated.
    package struct Seat: Sendable {
        /// Nil for a development host, which is stored nowhere.
        package let place: PlaceFacts?
        package let installation: Installation
    }

    package let verdict: Verdict
    package let license: License?
    /// Present when the verdict is valid and an installation asked.
    package let seat: Seat?
    /// A compact JWS in ASCII; present with `seat`, unless the answer is stale or this node cannot sign now.
    package let token: [UInt8]?
    package let nextCheckAt: Timestamp
    package let serverTime: Timestamp
    package let nonce: String?
    /// Whether it is from what memory knew a while ago, because the database cannot be followed: then it has no token,
    /// and the installation goes on with the one it has.
    package var isStale = false
    /// What the installation lacks, where the verdict alone does not say it.
    package var lack: Lack?

    /// Something that an installation has to send.
    package enum Lack: Sendable {
        case installationID
    }

    /// One sentence for the person who reads the log of the installation.
    package var message: String {
        switch lack {
        case .installationID: "Installations of this license are told apart by installation_id; send one."
        case nil: verdict.message
        }
    }

    /// What the holder of a valid license should do something about.
    package var warnings: [LicenseWarning] {
        guard let license else { return [] }
        let warnings = Rules.warnings(on: license.facts, under: license.policy, verdict, at: serverTime)
        guard verdict.isValid, let end = license.keyEndsAt else { return warnings }
        return warnings + [.keyEnding(at: end)]
    }
}
