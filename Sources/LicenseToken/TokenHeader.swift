import Primitives

/// The header of a token, checked: of what a sender may say there only the key's name is left to look at.
struct TokenHeader {
    /// `typ` of a license token.
    static let licenseType = "lic+jwt"

    /// `kid`, or nil if the header has none that is a string: no key is named.
    let keyID: String?

    /// Throws `malformed`, `unsupportedAlgorithm`, `wrongType` or `unsupportedCritical`. Unknown members are ignored.
    ///
    /// `type`: what `typ` must be, so that a document signed for one purpose never passes for another.
    init(json: [UInt8], type: String = Self.licenseType) throws(LicenseTokenError) {
        let object = try JSONObject(strict: json, orThrow: .malformed, as: "header")
        // RFC 9864 renames EdDSA to Ed25519 for this curve; both names mean the one algorithm here.
        guard let algorithm = object["alg"]?.stringValue, algorithm == "EdDSA" || algorithm == "Ed25519" else {
            throw LicenseTokenError(.unsupportedAlgorithm, "the header's alg is neither EdDSA nor Ed25519")
        }
        guard object["typ"]?.stringValue == type else {
            throw LicenseTokenError(.wrongType, "the header's typ is not \(type)")
        }
        guard object["crit"] == nil else {
            throw LicenseTokenError(.unsupportedCritical, "the header has crit, and no extension is known")
        }
        keyID = object["kid"]?.stringValue
    }

    /// The JSON of the header of our own documents, always these members in this order.
    static func json(keyID: String, type: String = Self.licenseType) -> [UInt8] {
        JSONWriter.object { header in
            header.member("alg", "EdDSA")
            header.member("typ", type)
            header.member("kid", keyID)
        }
    }
}
