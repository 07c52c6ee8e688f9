import Database
package import Primitives

/// A right to operate from outside the machine, as the database holds it.
package struct AdminToken: Sendable, Equatable {
    /// What a list shows: revocation and the clock together.
    package enum Status: String, Sendable, CaseIterable {
        case active
        case expired
        case revoked
    }

    /// Unique, also among those revoked long ago, so that a name in the journal means one token for ever.
    package let name: Slug
    package let scopes: Set<Scope>
    /// Grows when it is revoked.
    package let version: Int64
    package let createdAt: Timestamp
    /// The instant at which it is expired; nil for never.
    package let expiresAt: Timestamp?
    /// To about ``AdminTokens/lastUsedPrecision``; nil when it was never used.
    package var lastUsedAt: Timestamp?
    package var revokedAt: Timestamp?

    /// Revocation and the clock together.
    package func status(at now: Timestamp) -> Status {
        if revokedAt != nil { return .revoked }
        return expiresAt.map { now >= $0 } == true ? .expired : .active
    }

    /// The name under which its bearer's changes are recorded.
    package var actor: String { "token:\(name)" }
}

/// One way to narrow a list of admin tokens.
package enum AdminTokenCondition: Sendable {
    case status(AdminToken.Status)
    /// Those that permit this.
    case scope(Scope)

    func sql(at now: Timestamp) -> SQLCondition {
        switch self {
        case .status(.revoked): SQLCondition("revoked_at IS NOT NULL")
        case .status(.expired): SQLCondition("revoked_at IS NULL AND expires_at <= ?", now.sqlValue)
        case .status(.active):
            SQLCondition("revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)", now.sqlValue)
        // Names of scopes are stored with a space between them.
        case .scope(let scope): SQLCondition("' ' || scopes || ' ' LIKE ?", .text("% \(scope.rawValue) %"))
        }
    }
}

/// An admin token about to be made, checked.
package struct NewAdminToken: Sendable {
    /// Days that a token lives unless its maker says otherwise.
    package static let lifeDaysDefault: Int64 = 90
    /// Days that a token lives at most, unless its maker says never.
    package static let lifeDaysMax: Int64 = 3_660

    let name: Slug
    package let scopes: Set<Scope>
    let expiresAt: Timestamp?

    /// `expiresAt`: nil for never. Throws `InvalidInput` for what is no name, no scope, or too far away.
    package init(name: String, scopes names: [String], expiresAt: Timestamp?, now: Timestamp) throws {
        var violations: [InvalidInput.Violation] = []
        let name = Slug(name)
        if name == nil {
            violations.append(.init(member: "name", reason: "must be 1 to \(Slug.lengthMax) of a-z, 0-9 and . _ : -"))
        }
        let known = Scope.ofTokens.map(\.rawValue).joined(separator: ", ")
        let scopes = names.compactMap(Scope.init).filter(Scope.ofTokens.contains)
        if names.isEmpty || scopes.count != names.count {
            violations.append(.init(member: "scopes", reason: "must be one or more of \(known)"))
        }
        if let expiresAt, expiresAt > now + .days(Int(Self.lifeDaysMax) + 1) {
            violations.append(
                .init(member: "expires", reason: "must be at most \(Self.lifeDaysMax) days ahead, or never"))
        }
        guard let name, violations.isEmpty else { throw InvalidInput(violations) }
        self.name = name
        self.scopes = Set(scopes)
        self.expiresAt = expiresAt
    }
}

/// Why a change of admin tokens was not carried out.
package enum AccessRefusal: Error, Equatable {
    /// The name is taken, perhaps by a token that was revoked.
    case tokenExists(Slug)
    case tokenUnknown
}
