package import Primitives

/// Why an operator's request was not carried out. Nothing was changed.
package enum LicensingRefusal: Error, Equatable {
    case productExists(Slug)
    case productUnknown(String)
    case customerUnknown(String)
    case customerClosed(String)
    case licenseUnknown
    /// The expiry is before today (UTC).
    case expiryInPast(CivilDate)
    /// No seat matches what was asked to be released.
    case installationUnknown
}
