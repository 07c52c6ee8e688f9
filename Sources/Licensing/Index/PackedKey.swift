import Primitives
import Secrets

/// Which license a key opens, in 24 bytes:
///
/// | hash of the key | license |
/// | --- | --- |
/// | 16 | 8 |
struct PackedKey: PackedFacts {
    static var byteCount: Int { 24 }

    let key: KeyedHash
    private let license: LicenseID

    init(_ license: LicenseID, of key: KeyedHash) {
        self.key = key
        self.license = license
    }

    init(elsewhere key: KeyedHash) { preconditionFailure("every identifier of a license fits") }

    init(from bytes: UnsafeRawPointer) {
        key = KeyedHash(from: bytes)
        license = LicenseID(from: bytes + 16)
    }

    func write(to bytes: UnsafeMutableRawPointer) {
        var bytes = ByteWriter(bytes)
        key.write(to: &bytes)
        bytes.put(license.rawValue)
    }

    var facts: LicenseID? { license }
}
