import Primitives

/// Turns offline keys into licenses, without a network.
///
///     let verifier = OfflineKeyVerifier(keys: pinnedKeys, productNumber: 7)
///     let license = try verifier.verify(OfflineKey(text), for: Installation(domain: "example.com"), at: unixSeconds)
public struct OfflineKeyVerifier: Sendable {
    /// The keys an offline key may be signed with.
    public let keys: LicenseKeySet

    /// The product's number, which is not its code: `signet product codes` prints it. Nil accepts any product's keys.
    public let productNumber: UInt32?

    /// What the numbers in keys are called; nil if the program knows its numbers itself.
    public let names: OfflineKeyNames?

    /// How many seconds this machine's clock may be behind the server's.
    public let clockSkewSeconds: Int64

    /// The newest list of revoked licenses this program holds, if it holds one.
    public let revocations: RevocationList?

    /// A verifier of the keys of one product. It should be given: a vendor's products are usually signed by one key.
    /// `clockSkewSeconds`: 0 or more.
    public init(
        keys: LicenseKeySet, productNumber: UInt32?, names: OfflineKeyNames? = nil, clockSkewSeconds: Int64 = 300,
        revocations: RevocationList? = nil
    ) {
        precondition(clockSkewSeconds >= 0, "a clock skew is 0 seconds or more")
        self.keys = keys
        self.productNumber = productNumber
        self.names = names
        self.clockSkewSeconds = clockSkewSeconds
        self.revocations = revocations
    }

    /// What `key` says, if it holds for `installation` at `unixSeconds`.
    ///
    /// Checks in this order, and throws the first that fails: the version (`unsupportedVersion`), the key id
    /// (`unknownKey`), the signature (`badSignature`), the binding's kind (`malformedClaims`), the product number
    /// (`wrongProduct`), the beginning (`notYetValid`), the end (`expired`), the binding (`wrongDomain`,
    /// `wrongInstallation`), and last the list of revoked licenses (`revoked`).
    public func verify(
        _ key: OfflineKey, for installation: Installation, at unixSeconds: Int64
    ) throws(LicenseTokenError) -> VerifiedOfflineKey {
        guard key.bytes.first == OfflineKeyFacts.version else {
            throw LicenseTokenError(.unsupportedVersion, "the key's version is not \(OfflineKeyFacts.version)")
        }
        let keyID = Base64URL.encode(key.bytes[1..<7])
        try keys.check(key.signature, over: OfflineKey.message(key.payload), by: keyID)
        let facts = try OfflineKeyFacts(payload: key.payload)
        if let productNumber, facts.productNumber != productNumber {
            throw LicenseTokenError(
                .wrongProduct, "the key is for product number \(facts.productNumber), not \(productNumber)"
            )
        }
        try checkTime(of: facts, at: unixSeconds)
        try facts.binding.check(installation)
        guard revocations?.revokes(offlineLicenseID: facts.licenseID) != true else {
            throw LicenseTokenError(.revoked, "the license \(facts.licenseID) is revoked")
        }
        return VerifiedOfflineKey(facts: facts, keyID: keyID, names: names)
    }

    private func checkTime(of facts: OfflineKeyFacts, at now: Int64) throws(LicenseTokenError) {
        guard now >= facts.issuedAt - clockSkewSeconds else {
            throw LicenseTokenError(.notYetValid, "the key was issued at \(facts.issuedAt), and it is \(now)")
        }
        if let end = facts.expiresAt, now >= end {
            throw LicenseTokenError(.expired, "the key ended at \(end), and it is \(now)")
        }
    }
}

/// What an offline key says, once signature, product, time and binding have been checked.
public struct VerifiedOfflineKey: Sendable, Equatable {
    package let facts: OfflineKeyFacts
    private let names: OfflineKeyNames?

    /// The `kid` of the key that signed it.
    public let keyID: String

    init(facts: OfflineKeyFacts, keyID: String, names: OfflineKeyNames?) {
        self.facts = facts
        self.keyID = keyID
        self.names = names
    }

    /// The license: `lic_` and 13 symbols.
    public var licenseID: String { facts.licenseID }

    /// The product's number.
    public var productNumber: UInt32 { facts.productNumber }

    /// The number of the license type, as the product publishes it.
    public var typeCode: UInt8 { facts.typeCode }

    /// The license type by name, or nil if the verifier has no name for its number.
    public var licenseType: String? { names?.type(code: facts.typeCode) }

    /// Bit n is the feature with the published number n.
    public var featureBits: UInt64 { facts.featureBits }

    /// The features by name; those for which the verifier has no name are missing.
    public var features: [String] { names?.features(bits: facts.featureBits) ?? [] }

    /// How many activations the license allows; 0 for any number. The key itself counts none.
    public var activationsMax: Int64 { Int64(facts.seats) }

    /// When the key was made, in unix seconds.
    public var issuedAt: Int64 { facts.issuedAt }

    /// The first unix second at which the key no longer holds. Nil if it always does.
    public var expiresAt: Int64? { facts.expiresAt }

    /// What had to be equal, and was: the domain, the installation id, or nothing.
    public var binding: LicenseBinding { facts.binding.member }
}
