import Primitives

extension RevocationList {
    /// A list that just arrived: from the server, or carried in by hand.
    ///
    /// Checks in this order and throws the first that fails: the spelling (`malformed`), `alg`, `typ`, `crit`, the key,
    /// the signature, the claims and the compressed list (`malformedClaims`), the issuer if one is told, that the list
    /// was not signed later than now plus `clockSkewSeconds` (`notYetValid`), and that it has not ended (`expired`).
    public init(
        received text: String, keys: LicenseKeySet, issuer: String? = nil, at unixSeconds: Int64,
        clockSkewSeconds: Int64 = 300
    ) throws(LicenseTokenError) {
        try self.init(stored: text, keys: keys, issuer: issuer)
        guard issuedAt - clockSkewSeconds <= unixSeconds else {
            throw LicenseTokenError(.notYetValid, "the list was signed at \(issuedAt), and it is \(unixSeconds)")
        }
        guard unixSeconds < expiresAt else {
            throw LicenseTokenError(.expired, "the list ended at \(expiresAt), and it is \(unixSeconds)")
        }
    }

    /// A list that this program took in earlier and kept: all checks but those of time.
    public init(stored text: String, keys: LicenseKeySet, issuer: String? = nil) throws(LicenseTokenError) {
        let parts = try CompactJWS(text, bytesMax: Self.textBytesMax)
        let header = try TokenHeader(json: parts.header, type: RevocationContents.type)
        try keys.check(parts.signature, over: parts.signingInput, by: header.keyID)
        let claims = ClaimsObject(
            object: try JSONObject(strict: parts.payload, orThrow: .malformedClaims, as: "payload")
        )
        self.init(contents: try RevocationContents(claims), bits: try Self.bits(of: claims))
        if let issuer, !issuer.isExactly(self.issuer) {
            throw LicenseTokenError(.wrongIssuer, "the list is from \(self.issuer), not from \(issuer)")
        }
    }

    /// The member `status_list`, decompressed. Throws `malformedClaims`.
    private static func bits(of claims: ClaimsObject) throws(LicenseTokenError) -> [UInt8] {
        guard let list = claims.object["status_list"]?.objectValue, list["bits"] == .integer(1),
            let compressed = list["lst"]?.stringValue.flatMap({ Base64URL.decode($0) })
        else {
            throw LicenseTokenError(
                .malformedClaims, "the claim status_list is not one of bits 1 with base64url in lst")
        }
        guard let bits = Zlib.decompress(compressed, countMax: listBytesMax) else {
            throw LicenseTokenError(
                .malformedClaims, "lst is not one ZLIB stream of at most \(listBytesMax) bytes decompressed"
            )
        }
        return bits
    }
}

extension RevocationContents {
    /// Throws `malformedClaims`.
    init(_ claims: ClaimsObject) throws(LicenseTokenError) {
        self.init(
            issuer: try claims.string("iss"), address: try claims.string("sub"), sequence: try claims.integer("seq"),
            issuedAt: try claims.integer("iat"), expiresAt: try claims.integer("exp"),
            timeToLiveSeconds: try claims.integer("ttl"),
            endedActivationIDs: try claims.names("act"), revokedOfflineLicenseIDs: try claims.names("lic")
        )
    }
}

extension ClaimsObject {
    /// A list of strings, empty if it is absent. Throws `malformedClaims`, also for one that is too long.
    fileprivate func names(_ name: String) throws(LicenseTokenError) -> [String] {
        guard object[name] != nil else { return [] }
        let names = try strings(name)
        guard names.count <= RevocationList.namesMax else {
            throw LicenseTokenError(
                .malformedClaims, "the claim \(name) has more than \(RevocationList.namesMax) entries")
        }
        return names
    }
}
