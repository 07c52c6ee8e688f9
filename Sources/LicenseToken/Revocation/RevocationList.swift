import Primitives

/// The issuer's signed list of licenses that are not to be honored, as of one moment: a Token Status List
/// (draft-ietf-oauth-status-list) with one bit for each license.
///
/// The text is a JWS in compact form with `"typ":"statuslist+jwt"`, signed with a key of the pinned set; every byte is
/// in docs/token-format.md. Lists carry a sequence number: take one only if ``isNewer(than:)`` says so of the list you
/// hold, or an old one could bring a revoked license back.
///
/// A list that is held keeps counting after ``expiresAt``: what was revoked stays revoked until a newer list says
/// otherwise. The end only keeps an old list from being taken in as news.
public struct RevocationList: Sendable, Equatable {
    /// Bytes of the longest text that is read.
    public static let textBytesMax = 4 << 20

    /// Bytes of the longest list after decompression: 16,777,216 licenses.
    public static let listBytesMax = 2 << 20

    /// Entries of the longest ``endedActivationIDs``, and of ``revokedOfflineLicenseIDs``.
    public static let namesMax = 100_000

    /// `iss`: who issued the list, and every token it speaks about.
    public let issuer: String

    /// `sub`: the address at which the newest list is found.
    public let address: String

    /// `seq`: grows with each change of what the list says.
    public let sequence: Int64

    /// `iat`: when the list was signed, in unix seconds.
    public let issuedAt: Int64

    /// `exp`: the first unix second at which the list is no longer taken in as news.
    public let expiresAt: Int64

    /// `ttl`: seconds after which to look for a newer list.
    public let timeToLiveSeconds: Int64

    /// `act`: activations whose long-lived license file was ended before its time.
    public let endedActivationIDs: Set<String>

    /// `lic`: revoked licenses for which an offline key was issued, which names no status index.
    public let revokedOfflineLicenseIDs: Set<String>

    /// Bit i of byte i / 8, counted from the least significant, is license i.
    private let bits: [UInt8]

    init(contents: RevocationContents, bits: [UInt8]) {
        issuer = contents.issuer
        address = contents.address
        sequence = contents.sequence
        issuedAt = contents.issuedAt
        expiresAt = contents.expiresAt
        timeToLiveSeconds = contents.timeToLiveSeconds
        endedActivationIDs = Set(contents.endedActivationIDs)
        revokedOfflineLicenseIDs = Set(contents.revokedOfflineLicenseIDs)
        self.bits = bits
    }

    /// Whether this list was made after `other` and may take its place. No list is older than any.
    public func isNewer(than other: RevocationList?) -> Bool { other.map { sequence > $0.sequence } ?? true }

    /// Whether the license at `statusIndex` is revoked. One beyond the end of the list is newer than it, and is not.
    public func revokes(statusIndex: Int64) -> Bool {
        guard let byte = Int(exactly: statusIndex / 8), statusIndex >= 0, byte < bits.count else { return false }
        return bits[byte] >> UInt8(statusIndex % 8) & 1 == 1
    }

    /// Whether the activation's license file was ended before its time.
    public func hasEnded(activationID: String) -> Bool { endedActivationIDs.contains(activationID) }

    /// Whether the license of an offline key is revoked.
    public func revokes(offlineLicenseID: String) -> Bool { revokedOfflineLicenseIDs.contains(offlineLicenseID) }
}
