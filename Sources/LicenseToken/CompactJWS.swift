import Primitives

/// The parts of a JWS in compact form (RFC 7515 §7.1), decoded; only the spelling has been checked.
struct CompactJWS {
    let header: [UInt8]
    let payload: [UInt8]
    let signature: [UInt8]
    /// What the signature covers: the ASCII characters of `header.payload`.
    let signingInput: ArraySlice<UInt8>

    /// Throws `malformed`. Refuses padding, white space and any second spelling of the same bytes: two tokens that
    /// differ as text must not both be good, or a list of seen or revoked ones could be passed by.
    init(_ token: LicenseToken) throws(LicenseTokenError) {
        try self.init(token.text, bytesMax: LicenseToken.bytesMax, as: "token")
    }

    /// The parts of `text`, which messages call a `noun`. Throws `malformed`.
    init(_ text: String, bytesMax: Int, as noun: String = "token") throws(LicenseTokenError) {
        guard text.utf8.count <= bytesMax else {
            throw LicenseTokenError(.malformed, "the \(noun) is longer than \(bytesMax) bytes")
        }
        let bytes = Array(text.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else {
            throw LicenseTokenError(.malformed, "the \(noun) is not three parts with a dot between them")
        }
        guard let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { throw LicenseTokenError(.malformed, "a part of the \(noun) is not canonical base64url without padding") }
        self.header = header
        self.payload = payload
        self.signature = signature
        signingInput = bytes[..<parts[1].endIndex]
    }
}

extension JSONObject {
    /// The object that is all of `json`. Throws `code`.
    init(strict json: [UInt8], orThrow code: LicenseTokenError.Code, as part: String) throws(LicenseTokenError) {
        let value: JSONValue
        do {
            value = try JSONReader.read(json)
        } catch {
            throw LicenseTokenError(code, "the \(part) is not strict JSON: \(error.reason) at byte \(error.offset)")
        }
        guard let object = value.objectValue else {
            throw LicenseTokenError(code, "the \(part) is not a JSON object")
        }
        self = object
    }
}
