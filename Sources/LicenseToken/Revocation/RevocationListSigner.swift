import Primitives

/// What a list of revoked licenses says beside its bits: the claims that ``RevocationList`` tells customers about.
package struct RevocationContents: Sendable, Equatable {
    /// `typ` of the signed list (draft-ietf-oauth-status-list §5.1).
    static let type = "statuslist+jwt"

    /// `iss`.
    package let issuer: String
    /// `sub`: a URI.
    package let address: String
    /// `seq`: 0…2^53-1.
    package let sequence: Int64
    /// `iat`, unix seconds.
    package let issuedAt: Int64
    /// `exp`, unix seconds.
    package let expiresAt: Int64
    /// `ttl`.
    package let timeToLiveSeconds: Int64
    /// `act`: `act_…`, at most ``RevocationList/namesMax``.
    package let endedActivationIDs: [String]
    /// `lic`: `lic_…`, at most ``RevocationList/namesMax``.
    package let revokedOfflineLicenseIDs: [String]

    package init(
        issuer: String, address: String, sequence: Int64, issuedAt: Int64, expiresAt: Int64, timeToLiveSeconds: Int64,
        endedActivationIDs: [String], revokedOfflineLicenseIDs: [String]
    ) {
        self.issuer = issuer
        self.address = address
        self.sequence = sequence
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.timeToLiveSeconds = timeToLiveSeconds
        self.endedActivationIDs = endedActivationIDs
        self.revokedOfflineLicenseIDs = revokedOfflineLicenseIDs
    }
}

/// Makes signed lists of revoked licenses with one key.
package struct RevocationListSigner: Sendable {
    /// Why no list was made.
    package enum Failure: Error, Equatable {
        /// No reader would take it: a number outside 0…2^53-1, too many entries, or too many licenses.
        case unreadableContents
        /// zlib had no memory.
        case compressionFailed
        /// The list would have this many bytes, more than ``RevocationList/textBytesMax``.
        case tooLong(Int)
        /// The key gave no good signature.
        case key(SigningKey.Failure)
    }

    private let key: SigningKey

    package init(key: SigningKey) { self.key = key }

    /// The list that revokes the licenses at `statusIndices` (0 or more each), as the ASCII characters of a compact
    /// JWS. Throws `Failure`.
    package func sign(_ contents: RevocationContents, revoking statusIndices: [Int64]) throws(Failure) -> [UInt8] {
        let bits = try Self.bits(statusIndices)
        guard contents.isReadable else { throw .unreadableContents }
        guard let compressed = Zlib.compress(bits) else { throw .compressionFailed }
        let opening = Base64URL.encodedBytes(TokenHeader.json(keyID: key.keyID, type: RevocationContents.type))
        var list = opening + ".".utf8 + Base64URL.encodedBytes(contents.json(list: Base64URL.encode(compressed)))
        let signature: [UInt8]
        do { signature = try key.signature(over: list) } catch { throw .key(error) }
        list.append(UInt8(ascii: "."))
        list.append(contentsOf: Base64URL.encodedBytes(signature))
        guard list.count <= RevocationList.textBytesMax else { throw .tooLong(list.count) }
        return list
    }

    /// One bit for each license up to the last revoked one, least significant first within a byte; never empty.
    private static func bits(_ statusIndices: [Int64]) throws(Failure) -> [UInt8] {
        let last = statusIndices.max() ?? 0
        guard (statusIndices.min() ?? 0) >= 0, last / 8 < Int64(RevocationList.listBytesMax) else {
            throw .unreadableContents
        }
        var bits = [UInt8](repeating: 0, count: Int(last / 8) + 1)
        for index in statusIndices { bits[Int(index / 8)] |= 1 << UInt8(index % 8) }
        return bits
    }
}

extension RevocationContents {
    /// Whether a reader would take these claims.
    fileprivate var isReadable: Bool {
        [sequence, issuedAt, expiresAt, timeToLiveSeconds].allSatisfy(LicenseClaims.integers.contains)
            && max(endedActivationIDs.count, revokedOfflineLicenseIDs.count) <= RevocationList.namesMax
    }

    /// The claims as the list's payload, members in the order that docs/token-format.md gives.
    fileprivate func json(list: String) -> [UInt8] {
        JSONWriter.object { payload in
            payload.member("iss", issuer)
            payload.member("sub", address)
            payload.member("iat", issuedAt)
            payload.member("exp", expiresAt)
            payload.member("ttl", timeToLiveSeconds)
            payload.member("seq", sequence)
            payload.member("status_list") { member in
                member.member("bits", 1)
                member.member("lst", list)
            }
            payload.member("act", endedActivationIDs)
            payload.member("lic", revokedOfflineLicenseIDs)
        }
    }
}
