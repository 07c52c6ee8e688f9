import Primitives

extension LicenseClaims {
    /// The claims as the token's payload, members in the order that docs/token-format.md gives.
    var json: [UInt8] {
        JSONWriter.object { payload in
            payload.member("iss", issuer)
            payload.member("sub", licenseID)
            payload.member("aud", product)
            payload.member("jti", tokenID)
            payload.member("iat", issuedAt)
            payload.member("nbf", notBefore)
            payload.member("exp", expiresAt)
            payload.member("lic_exp", licenseExpiresAt)
            payload.member("grace", graceSeconds)
            payload.member("plan", licenseType)
            payload.member("max", activationsMax)
            payload.member("used", activationsUsed)
            payload.member("feat", features)
            payload.member("dom", domain)
            payload.member("ip", address)
            payload.member("inst", installationID)
            payload.member("act", activationID)
            payload.member("ver", licenseVersion)
            payload.member("status", statusIndex)
            if let nonce { payload.member("nonce", nonce) }
            payload.member("next", nextCheckAt)
            payload.member("st", serverTime)
            payload.member("bind", binding.names)
        }
    }

    /// Reads a payload. Throws `malformedClaims`. Unknown members are ignored: the format grows by addition.
    init(json: [UInt8]) throws(LicenseTokenError) {
        let claims = ClaimsObject(
            object: try JSONObject(strict: json, orThrow: .malformedClaims, as: "payload")
        )
        self.init(
            issuer: try claims.string("iss"), licenseID: try claims.string("sub"),
            product: try claims.string("aud"), tokenID: try claims.string("jti"),
            issuedAt: try claims.integer("iat"), notBefore: try claims.integer("nbf"),
            expiresAt: try claims.integer("exp"), licenseExpiresAt: try claims.integerOrNull("lic_exp"),
            graceSeconds: try claims.integer("grace"), licenseType: try claims.string("plan"),
            activationsMax: try claims.integer("max"), activationsUsed: try claims.integer("used"),
            features: try claims.strings("feat"), domain: try claims.stringOrNull("dom"),
            address: try claims.stringOrNull("ip"), installationID: try claims.stringOrNull("inst"),
            activationID: try claims.stringOrNull("act"), licenseVersion: try claims.integer("ver"),
            statusIndex: try claims.integer("status"), nonce: try claims.stringIfPresent("nonce"),
            nextCheckAt: try claims.integer("next"), serverTime: try claims.integer("st"),
            binding: try claims.binding("bind")
        )
        guard canBeMatched else {
            throw LicenseTokenError(.malformedClaims, "bind names a claim that is null or empty")
        }
    }
}

// MARK: - What both sides hold to

extension LicenseClaims {
    /// What a number in a token may be: readers that keep numbers as binary64 know integers only so far (RFC 7493
    /// §2.2), and nothing we count or date is negative.
    static let integers: ClosedRange<Int64> = 0...((1 << 53) - 1)

    /// Whether a verifier would read these claims.
    var isReadable: Bool {
        let numbers = [
            issuedAt, notBefore, expiresAt, licenseExpiresAt ?? 0, graceSeconds, activationsMax, activationsUsed,
            licenseVersion, statusIndex, nextCheckAt, serverTime,
        ]
        return canBeMatched && numbers.allSatisfy(Self.integers.contains)
    }

    /// Whether something is bound and each bound value says something: bound to nothing, a token would match every
    /// installation that says nothing of itself.
    private var canBeMatched: Bool {
        let present: [(LicenseBinding, String?)] = [
            (.domain, domain), (.address, address), (.installation, installationID),
        ]
        return !binding.isEmpty && present.allSatisfy { !binding.contains($0) || !($1 ?? "").isEmpty }
    }
}

/// A payload's members by name and type. Each accessor throws `malformedClaims` naming the claim.
struct ClaimsObject {
    let object: JSONObject

    func string(_ name: String) throws(LicenseTokenError) -> String {
        guard let text = object[name]?.stringValue else { throw wrong(name, "a string") }
        return text
    }

    func stringOrNull(_ name: String) throws(LicenseTokenError) -> String? {
        object[name] == .null ? nil : try string(name)
    }

    func stringIfPresent(_ name: String) throws(LicenseTokenError) -> String? {
        object[name] == nil ? nil : try string(name)
    }

    func integer(_ name: String) throws(LicenseTokenError) -> Int64 {
        guard let number = object[name]?.integerValue, LicenseClaims.integers.contains(number) else {
            throw wrong(name, "an integer in 0…2^53-1")
        }
        return number
    }

    func integerOrNull(_ name: String) throws(LicenseTokenError) -> Int64? {
        object[name] == .null ? nil : try integer(name)
    }

    func strings(_ name: String) throws(LicenseTokenError) -> [String] {
        guard let elements = object[name]?.arrayValue else { throw wrong(name, "an array of strings") }
        let texts = elements.compactMap(\.stringValue)
        guard texts.count == elements.count else { throw wrong(name, "an array of strings") }
        return texts
    }

    func binding(_ name: String) throws(LicenseTokenError) -> LicenseBinding {
        guard let binding = LicenseBinding(names: try strings(name)) else {
            throw wrong(name, "a list of one or more of dom, ip and inst, each once")
        }
        return binding
    }

    private func wrong(_ name: String, _ expected: String) -> LicenseTokenError {
        LicenseTokenError(.malformedClaims, "the claim \(name) is not \(expected)")
    }
}
