package import Primitives

/// Why an operator's request was not carried out. Nothing was changed.
package enum LicensingRefusal: Error, Equatable {
    case productExists(Slug)
    case productUnknown(String)
    /// The product counts seats in another way, and seats are taken.
    case recountNeeded(seats: Int64)
    case customerUnknown(String)
    case customerClosed(String)
    case licenseUnknown
    /// The expiry is before today (UTC).
    case expiryInPast(CivilDate)
    /// No seat matches what was asked to be released.
    case installationUnknown
}
