package import Primitives

/// One party that holds a license back, and why. While any hold stands, the license is suspended.
package struct LicenseHold: Sendable, Equatable {
    /// Who may hold a license back. Each lifts its own hold; that a payment came in says nothing about abuse. The raw
    /// values are stored and stand in answers.
    package enum Holder: String, Sendable, CaseIterable {
        case `operator`
        case billing
    }

    package let holder: Holder
    /// As its holder put it; nil when nobody said.
    package internal(set) var reason: String?
    /// `Provenance.actor` of who set it, or gave the reason last.
    package internal(set) var actor: String
    package let since: Timestamp
}

/// That a license was revoked, which is final.
package struct LicenseRevocation: Sendable, Equatable {
    package let holder: LicenseHold.Holder
    package internal(set) var reason: String?
    package internal(set) var actor: String
    package let at: Timestamp
}
