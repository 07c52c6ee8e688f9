package import Primitives

/// A check that an installation or an operator asks for, its members already in canonical form.
package struct ValidationRequest: Sendable {
    /// As it was typed.
    package let licenseKey: String
    /// Nil only for an operator who looks at the license itself.
    package let installation: Installation?
    /// The product that asks, or nil for any.
    package let product: String?
    /// Echoed, and signed into a token made for this call alone.
    package let nonce: String?
    /// Whether a newcomer takes a seat.
    package let activates: Bool

    package init(
        licenseKey: String, installation: Installation?, product: String?, nonce: String?, activates: Bool
    ) {
        self.licenseKey = licenseKey
        self.installation = installation
        self.product = product
        self.nonce = nonce
        self.activates = activates
    }
}

/// What a check is answered with.
package struct ValidationAnswer: Sendable {
    /// The license as the holder of its key may know it.
    package struct License: Sendable {
        package let facts: LicenseFacts
        package let terms: LicenseTerms
        package let product: Product
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
    /// A compact JWS in ASCII; present with `seat`.
    package let token: [UInt8]?
    package let nextCheckAt: Timestamp
    package let serverTime: Timestamp
    package let nonce: String?
}
