/// A system that licenses come over from. The raw values are stored and stand in files and requests.
package enum ImportSource: String, Sendable, CaseIterable {
    case whmcs
}

/// What an import brings. The raw values are stored and stand in files and answers.
package enum ImportKind: String, Sendable, CaseIterable {
    case product
    case customer
    case license
}
