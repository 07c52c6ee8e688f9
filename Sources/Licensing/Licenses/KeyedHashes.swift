package import LicenseToken
import Primitives
package import Secrets

/// The keyed hashes by which licenses, seats and places are found without storing what they are.
package struct KeyedHashes: Sendable {
    private let pepper: Pepper

    package init(pepper: Pepper) { self.pepper = pepper }

    /// The pepper's identifier, stored beside each key's hash.
    package var pepperID: Int64 { pepper.id }

    package func hash(of key: LicenseKey) -> KeyedHash { pepper.hash(.licenseKey, key.canonicalBytes) }

    package func hash(of key: OfflineKey) -> KeyedHash { pepper.hash(.licenseKey, key.storedBytes) }

    /// A key of another system, which no key of ours hashes like, whatever it looks like.
    package func hash(of key: ImportedKey) -> KeyedHash { pepper.hash(.importedKey, [UInt8](key.text.utf8)) }

    /// One part of what an import brought, by which the next one knows whether it changed.
    func digest(ofImported part: String, _ content: [UInt8]) -> KeyedHash {
        pepper.hash(.importedKey, [UInt8](part.utf8), content)
    }

    /// A seat: the `ordinal`-th of an installation's identity under a license.
    package func seat(_ license: LicenseID, _ identity: SeatIdentity, ordinal: Int64) -> KeyedHash {
        pepper.hash(.seat, license.bytes, identity.bytes, [UInt8](String(ordinal).utf8))
    }

    /// A place: an identity seen at a network, which is what a repeat check is recognized by.
    package func place(_ license: LicenseID, _ identity: SeatIdentity, _ network: AddressNetwork) -> KeyedHash {
        pepper.hash(.place, license.bytes, identity.bytes, [UInt8](network.description.utf8))
    }
}

extension RandomID {
    fileprivate var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: rawValue >> (56 - 8 * UInt64($0))) } }
}
