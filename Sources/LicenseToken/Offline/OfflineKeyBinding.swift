import Crypto

/// What an offline key is bound to: nothing, or one domain or installation id, of which it holds 8 bytes of a hash.
package struct OfflineKeyBinding: Sendable, Equatable {
    static let hashCount = 8

    /// Empty, `.domain` or `.installation`.
    package let member: LicenseBinding

    /// 8 bytes; zeros when the key is bound to nothing.
    package let hash: [UInt8]

    private init(member: LicenseBinding, hash: [UInt8]) {
        self.member = member
        self.hash = hash
    }

    /// Bound to nothing: the key works wherever it is typed.
    package static let unbound = Self(member: [], hash: [UInt8](repeating: 0, count: hashCount))

    /// Bound to a canonical domain, or the canonical address of an installation without a name.
    package static func domain(_ domain: String) -> Self { Self(member: .domain, hash: hash("domain", domain)) }

    /// Bound to an installation id.
    package static func installation(_ id: String) -> Self {
        Self(member: .installation, hash: hash("installation", id))
    }

    /// The first 8 bytes of the SHA-256 of kind and value, apart from every other use of that hash.
    private static func hash(_ kind: String, _ value: String) -> [UInt8] {
        Array(SHA256.hash(data: Array("signet-lk1-\(kind)\0\(value)".utf8)).prefix(hashCount))
    }
}

extension OfflineKeyBinding {
    /// The byte that stands for the kind.
    var code: UInt8 {
        switch member {
        case .domain: 1
        case .installation: 2
        default: 0
        }
    }

    /// Nil for a kind this release does not know, and for an unbound key whose hash is not zero.
    init?(code: UInt8, hash: [UInt8]) {
        switch code {
        case 0 where hash.allSatisfy { $0 == 0 }: self = .unbound
        case 1: self.init(member: .domain, hash: hash)
        case 2: self.init(member: .installation, hash: hash)
        default: return nil
        }
    }

    /// Throws `wrongDomain` or `wrongInstallation` unless `installation` is what the key is bound to.
    func check(_ installation: Installation) throws(LicenseTokenError) {
        if member == .domain, installation.domain.map(Self.domain) != self {
            throw LicenseTokenError(
                .wrongDomain, "the key is bound to another domain than \(installation.domain ?? "none")"
            )
        }
        if member == .installation, installation.installationID.map(Self.installation) != self {
            throw LicenseTokenError(
                .wrongInstallation,
                "the key is bound to another installation id than \(installation.installationID ?? "none")"
            )
        }
    }
}
