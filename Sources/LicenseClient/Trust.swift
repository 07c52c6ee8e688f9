import LicenseToken

/// What the program was built with.
struct Pins: Sendable {
    let keys: LicenseKeySet
    /// Nil: the keys are never replaced.
    let root: TrustedRoot?

    /// Throws `malformedKeySet`.
    init(_ configuration: LicenseClient.Configuration) throws(LicenseTokenError) {
        guard configuration.pinnedKeys != nil || configuration.pinnedRoot != nil else {
            throw LicenseTokenError(.malformedKeySet, "neither keys nor a root are pinned")
        }
        keys = try LicenseKeySet(jwks: configuration.pinnedKeys ?? #"{"keys":[]}"#)
        if let pinnedRoot = configuration.pinnedRoot {
            root = try TrustedRoot(jwk: pinnedRoot)
        } else {
            root = nil
        }
    }
}

/// What is trusted now: the pins, or the key set that was learned since, and the newest list of revoked licenses.
struct Trust: Sendable {
    /// The stored documents this was read from.
    struct Sources: Equatable, Sendable {
        let keySet: String?
        let revocations: String?
    }

    let sources: Sources
    /// The pinned root. Nil: the keys are never replaced.
    let root: TrustedRoot?
    /// The key set that was learned, nil while the pins are in force.
    let signedKeys: SignedKeySet?
    let keys: LicenseKeySet
    let revocations: RevocationList?

    /// A document that cannot be read any more counts as none: another root was pinned, the file is damaged, or the key
    /// that signed the list was revoked. What was pinned is then in force, and the next check fetches again.
    init(_ sources: Sources, pins: Pins, issuer: String?) {
        self.sources = sources
        root = pins.root
        signedKeys = sources.keySet.flatMap { document in
            // Why it is unreadable changes nothing.
            pins.root.flatMap { try? $0.restore(document) }
        }
        let keys = signedKeys?.keys ?? pins.keys
        self.keys = keys
        // As above.
        revocations = sources.revocations.flatMap { try? RevocationList(stored: $0, keys: keys, issuer: issuer) }
    }
}

/// What a token is worth here and now.
enum HeldToken: Equatable, Sendable {
    case none
    case refused(LicenseTokenError.Code)
    case good(VerifiedLicense)

    var license: VerifiedLicense? { if case .good(let license) = self { license } else { nil } }

    var refusal: LicenseTokenError.Code? { if case .refused(let code) = self { code } else { nil } }
}

/// What keeps a machine from verifying tokens.
enum Problem: Equatable, Sendable {
    case domainMissing
    case keySetUnusable(String)

    var code: String {
        switch self {
        case .domainMissing: "domain_missing"
        case .keySetUnusable: "key_set_unusable"
        }
    }

    var message: String {
        switch self {
        case .domainMissing: "The stored domain of this installation is not a host name."
        case .keySetUnusable(let reason): reason
        }
    }
}
