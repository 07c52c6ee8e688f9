package import Primitives

/// Something that the holder of a valid license should do something about.
package enum LicenseWarning: Sendable, Equatable {
    /// The license has expired; installations that hold a seat stay valid until then.
    case expiredGrace(until: Timestamp)
    /// More seats are taken than the license has since its limit was lowered; the newest are released then.
    case overLimit(until: Timestamp)
    /// Versions after the last one covered are no longer included.
    case maintenanceEnded(at: Timestamp)
    /// The license has a new key; the one that was used opens nothing from then on.
    case keyEnding(at: Timestamp)

    package var code: String {
        switch self {
        case .expiredGrace: "EXPIRED_GRACE"
        case .overLimit: "OVER_LIMIT"
        case .maintenanceEnded: "MAINTENANCE_ENDED"
        case .keyEnding: "KEY_ENDING"
        }
    }

    /// One sentence for the person who reads the log of the installation.
    package var message: String {
        switch self {
        case .expiredGrace: Verdict.expiredGrace.message
        case .overLimit: "More installations are active than this license has; the newest will be released."
        case .maintenanceEnded: "The maintenance of this license has ended; newer versions are not included."
        case .keyEnding: "This license key was replaced and will stop working; enter the new one."
        }
    }

    /// The instant that it is about.
    package var at: Timestamp {
        switch self {
        case .expiredGrace(let until): until
        case .overLimit(let until): until
        case .maintenanceEnded(let at): at
        case .keyEnding(let at): at
        }
    }
}
