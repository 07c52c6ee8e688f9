/// What a check of a license says. The order of the cases is their precedence: of several that apply the first is told.
/// First the identity and state of the license, then what the installation may do, then quota (DESIGN §4).
package enum Verdict: String, Sendable, CaseIterable {
    case keyMalformed = "KEY_MALFORMED"
    case notFound = "NOT_FOUND"
    case revoked = "REVOKED"
    case suspended = "SUSPENDED"
    case notYetValid = "NOT_YET_VALID"
    case productMismatch = "PRODUCT_MISMATCH"
    case versionNotAllowed = "VERSION_NOT_ALLOWED"
    case expired = "EXPIRED"
    case domainNotAllowed = "DOMAIN_NOT_ALLOWED"
    case ipNotAllowed = "IP_NOT_ALLOWED"
    case notActivated = "NOT_ACTIVATED"
    case addressLimit = "ADDRESS_LIMIT"
    case activationLimit = "ACTIVATION_LIMIT"
    /// Only of a deactivation.
    case deactivationLimit = "DEACTIVATION_LIMIT"
    case expiredGrace = "EXPIRED_GRACE"
    case valid = "VALID"

    /// Whether the software may run.
    package var isValid: Bool { self == .valid || self == .expiredGrace }

    /// One sentence for the person who reads the log of the installation.
    package var message: String {
        switch self {
        case .keyMalformed: "This is not a license key: a symbol is wrong, missing or in the wrong place."
        case .notFound: "No license has this key."
        case .revoked: "This license was revoked."
        case .suspended: "This license is suspended."
        case .notYetValid: "This license is not valid yet."
        case .productMismatch: "This license is for another product."
        case .versionNotAllowed: "The maintenance of this license does not cover this version."
        case .expired: "This license has expired."
        case .domainNotAllowed: "This license does not allow this domain."
        case .ipNotAllowed: "This license does not allow this address."
        case .notActivated: "This installation is not activated."
        case .addressLimit: "This domain is in use at as many addresses as its seats hold, and no further seat is free."
        case .activationLimit: "All activations of this license are taken."
        case .deactivationLimit:
            "The installations of this license have moved or been deactivated as often as they may for now."
        case .expiredGrace: "This license has expired and is in its grace period; renew it soon."
        case .valid: "This license is valid."
        }
    }
}
