/// What a seat is for.
package enum SeatKind: UInt8, Sendable, CaseIterable {
    /// An installation in use.
    case production
    /// A named staging host: it takes no seat of the license while there are few.
    case staging
    /// A license file, for a site that never calls.
    case file

    /// As it is stored and told.
    package var name: String {
        switch self {
        case .production: "production"
        case .staging: "staging"
        case .file: "file"
        }
    }

    /// The kind with this name, or nil.
    init?(name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    /// Whether `used` counts it.
    package var isCounted: Bool { self != .staging }
}

/// Why a seat was released.
package enum SeatReleaseKind: String, Sendable, CaseIterable {
    /// Its installation gave it back.
    case itself = "self"
    case `operator`
    /// Its installation went on under another domain.
    case moved
    /// An operator made one of two domains.
    case merged
    /// Not seen for so long that a newcomer got it.
    case dormant
    /// Not seen for the time of its lease.
    case lease
    /// One too many after the limit was lowered.
    case overLimit = "over_limit"
    /// Seats are counted in another way now, in which it could not be counted.
    case recount
    /// The license file that held it has ended.
    case fileEnded = "file_ended"
    /// The license went to somebody else.
    case transfer

    /// Whether its installation stays away until somebody activates it.
    var barsReturn: Bool { [.itself, .operator, .moved, .merged].contains(self) }

    /// Whether an installation did it itself, on its budget.
    var isOnBudget: Bool { self == .itself || self == .moved }

    /// Those that `condition` holds for, as a list for SQL.
    static func sqlList(_ condition: (SeatReleaseKind) -> Bool) -> String {
        allCases.filter(condition).map { "'\($0.rawValue)'" }.joined(separator: ", ")
    }
}
