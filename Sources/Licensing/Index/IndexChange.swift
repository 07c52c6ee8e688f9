package import Primitives
package import Secrets

/// What a committed transaction changes in memory. Applying one twice, or an older one late, changes nothing.
package enum IndexChange: Sendable {
    /// A product as it stands after the change; the higher version wins.
    case product(Product)
    /// The license as it stands after the change; the higher version wins.
    case license(License)
    /// A key that opens a license.
    case key(KeyedHash, LicenseID)
    /// From when a key opens nothing; of two instants the earlier wins.
    case keyEnds(KeyedHash, Timestamp)
    case keyGone(KeyedHash)
    case place(KeyedHash, PlaceFacts)
    /// A place that is not one of this seat any more; nil for one that is of none. A seat that has it since keeps it.
    case placeGone(KeyedHash, of: ActivationID? = nil)
}
