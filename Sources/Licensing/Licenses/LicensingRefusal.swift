package import Primitives

/// Why an operator's request was not carried out. Nothing was changed.
package enum LicensingRefusal: Error, Equatable {
    case productExists(Slug)
    /// `near`: products whose codes look like it.
    case productUnknown(String, near: [String] = [])
    /// The product counts seats in another way, and seats are taken.
    case recountNeeded(seats: Int64)
    /// `near`: customers whose numbers are a misprint away.
    case customerUnknown(String, near: [String] = [])
    case customerClosed(String)
    case licenseUnknown
    /// A revoked license stays what it was.
    case licenseRevoked
    /// The end of a license would be before its beginning.
    case endBeforeBeginning
    /// The record has another version than the one that should be changed.
    case versionChanged(current: Int64)
    /// The expiry is before today (UTC).
    case expiryInPast(CivilDate)
    /// No seat matches what was asked to be released.
    case installationUnknown
}
