/// What the bearer of an admin token may do. The raw values are stored and stand in requests, so none is ever renamed.
package enum Scope: String, Sendable, Hashable, CaseIterable {
    case productsRead = "products:read"
    case productsWrite = "products:write"
    case customersRead = "customers:read"
    case customersWrite = "customers:write"
    case licensesRead = "licenses:read"
    case licensesWrite = "licenses:write"
    /// Seeing a license key again after it was issued.
    case licensesReveal = "licenses:reveal"
    /// Taking and releasing seats.
    case activationsWrite = "activations:write"
    case keysRead = "keys:read"
    case keysWrite = "keys:write"
    case auditRead = "audit:read"
    /// The personal part of the journal: domains, addresses, references.
    case auditReadPersonal = "audit:read-personal"
    case tokensRead = "tokens:read"
    /// Making and revoking admin tokens; a token makes none that may do more than itself.
    case tokensWrite = "tokens:write"
    case importWrite = "import:write"
    case databaseRead = "database:read"
    /// Writing backups into files of the machine: for those on it only, and for no admin token.
    case databaseWrite = "database:write"

    /// What an admin token may be given.
    package static let ofTokens = allCases.filter { $0 != .databaseWrite }
}

extension Set<Scope> {
    /// What those hold who operate on the machine itself.
    package static let all = Set(Scope.allCases)

    /// The raw values in the order of the cases.
    package var names: [String] { Scope.allCases.filter(contains).map(\.rawValue) }
}
