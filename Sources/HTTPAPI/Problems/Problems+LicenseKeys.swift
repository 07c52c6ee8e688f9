import HTTPTypes
import Licensing

extension LicenseKeyRefusal: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .licenseRevoked:
            Problem(.conflict, "license_revoked", "The license is revoked.", detail: "It gets no new key.")
        case .tooManyKeys(let max):
            Problem(
                .conflict, "too_many_keys", "The license has too many keys.",
                detail: "At most \(max) keys open one license; wait until the replaced ones have ended.")
        }
    }
}
