package import Secrets

/// What a committed transaction changes in memory. Applying one twice, or an older one late, changes nothing.
package enum IndexChange: Sendable {
    /// A product as it stands after the change; the higher version wins.
    case product(Product)
    /// The license as it stands after the change; the higher version wins.
    case license(License)
    /// A key that opens a license.
    case key(KeyedHash, LicenseID)
    case place(KeyedHash, PlaceFacts)
    case placeGone(KeyedHash)
}
