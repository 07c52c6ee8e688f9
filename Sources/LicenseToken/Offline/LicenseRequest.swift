import Crypto
import Primitives

/// What an installation without a network asks for: the text it shows, which someone carries to the vendor and which
/// `signet license file KEY --request TEXT` answers with a ``LicenseFile``.
///
///     SIGNET-REQUEST-1.base64url(JSON).checksum
///
/// The JSON is `{"v":1,"product":…,"last4":…,"domain":…,"ip":…,"inst":…,"nonce":…,"iat":…}`. It never holds the license
/// key, only its last four symbols, so it may travel by mail. The checksum is base64url of the first 3 bytes of
/// SHA-256 over everything before its dot: it tells a slip, it proves nothing.
public struct LicenseRequest: Sendable, Hashable {
    /// Bytes of the longest text that is read.
    public static let textBytesMax = 4096
    /// Characters of the longest value in a request.
    public static let valueBytesMax = 253
    private static let prefix = "SIGNET-REQUEST-"
    private static let version: Int64 = 1
    private static let checksumBytes = 3

    /// The code of the product.
    public let product: String
    /// The last four symbols of the license key, to tell a mix-up; nil if the installation knows no key.
    public let keyLast4: String?
    /// The domain of the installation, canonical; nil if it has only an installation id.
    public let domain: String?
    /// The address of the installation, canonical; nil if unknown.
    public let address: String?
    /// The id the installation chose for itself; nil if it has none.
    public let installationID: String?
    /// A fresh random text, which the answer repeats: the file answers this request and no other.
    public let nonce: String
    /// The installation's clock, unix seconds.
    public let madeAt: Int64

    /// A request for an installation of which domain or installation id is known.
    ///
    /// `nonce`: 1…253 bytes; take 16 random ones, as ``nonce(using:)`` does. Throws
    /// ``LicenseTokenError/Code/malformedClaims`` for an empty or too long value, or when both are nil.
    public init(
        product: String, keyLast4: String? = nil, installation: Installation, nonce: String, madeAt: Int64
    ) throws(LicenseTokenError) {
        let values = [
            product, nonce, keyLast4, installation.domain, installation.address, installation.installationID,
        ]
        guard values.allSatisfy({ (1...Self.valueBytesMax).contains($0?.utf8.count ?? 1) }),
            keyLast4?.utf8.count ?? 4 == 4, LicenseClaims.integers.contains(madeAt),
            installation.domain ?? installation.installationID != nil
        else {
            throw LicenseTokenError(
                .malformedClaims, "a request needs a domain or installation id, and values of 1…253 bytes"
            )
        }
        self.product = product
        self.keyLast4 = keyLast4
        domain = installation.domain
        address = installation.address
        installationID = installation.installationID
        self.nonce = nonce
        self.madeAt = madeAt
    }

    /// 16 random bytes in base64url.
    public static func nonce(using generator: inout some RandomNumberGenerator) -> String {
        Base64URL.encode((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// 16 bytes of the system's generator in base64url.
    public static func nonce() -> String {
        var generator = SystemRandomNumberGenerator()
        return nonce(using: &generator)
    }

    /// The text to show, one line.
    public var text: String {
        let body = "\(Self.prefix)\(Self.version)." + Base64URL.encode(json)
        return "\(body).\(Self.checksum(body))"
    }

    private var json: [UInt8] {
        JSONWriter.object { request in
            request.member("v", Self.version)
            request.member("product", product)
            request.member("last4", keyLast4)
            request.member("domain", domain)
            request.member("ip", address)
            request.member("inst", installationID)
            request.member("nonce", nonce)
            request.member("iat", madeAt)
        }
    }

    private static func checksum(_ body: String) -> String {
        Base64URL.encode(Array(SHA256.hash(data: Array(body.utf8))).prefix(checksumBytes))
    }
}

// MARK: - Reading

extension LicenseRequest {
    /// Reads a request as it was pasted: white space and line ends anywhere in it are ignored.
    ///
    /// Throws ``LicenseTokenError/Code/malformed`` for a text that is no request, `unsupportedVersion` for one of a
    /// later format, `badChecksum` for one that was changed or cut on its way, `malformedClaims` for wrong content.
    public init(_ text: String) throws(LicenseTokenError) {
        guard text.utf8.count <= Self.textBytesMax else {
            throw LicenseTokenError(.malformed, "the request is longer than \(Self.textBytesMax) bytes")
        }
        let blanks = Set("\t\n\r ".utf8)
        let bytes = text.utf8.filter { !blanks.contains($0) }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard let opening = parts.first, opening.utf8.starts(with: Self.prefix.utf8) else {
            throw LicenseTokenError(.malformed, "a request begins with \(Self.prefix)\(Self.version)")
        }
        guard opening.isExactly("\(Self.prefix)\(Self.version)") else {
            throw LicenseTokenError(.unsupportedVersion, "\(opening) is not \(Self.prefix)\(Self.version)")
        }
        guard parts.count == 3, Self.checksum("\(opening).\(parts[1])").isExactly(parts[2]) else {
            throw LicenseTokenError(.badChecksum, "the request is incomplete or was changed: copy all of it once more")
        }
        guard let json = Base64URL.decode(parts[1]) else {
            throw LicenseTokenError(.malformed, "the request is not canonical base64url without padding")
        }
        try self.init(
            ClaimsObject(object: try JSONObject(strict: json, orThrow: .malformedClaims, as: "request"))
        )
    }

    private init(_ members: ClaimsObject) throws(LicenseTokenError) {
        guard try members.integer("v") == Self.version else {
            throw LicenseTokenError(.unsupportedVersion, "the request's v is not \(Self.version)")
        }
        try self.init(
            product: try members.string("product"), keyLast4: try members.stringOrNull("last4"),
            installation: Installation(
                domain: try members.stringOrNull("domain"), address: try members.stringOrNull("ip"),
                installationID: try members.stringOrNull("inst")
            ),
            nonce: try members.string("nonce"), madeAt: try members.integer("iat")
        )
    }
}
