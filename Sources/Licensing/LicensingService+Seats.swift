import Database
package import Journal
import LicenseToken
package import Primitives

/// What an installation that gave its seat back is told.
package struct Deactivation: Sendable {
    package let answer: ValidationAnswer
    /// The seats that are free now, also those that were before: asked again, the same is said.
    package let released: [ActivationID]
}

/// A license file holds the seat until then: the site that has it would go on.
package struct SeatHeld: Error, Equatable {
    package let until: Timestamp

    package init(until: Timestamp) { self.until = until }
}

extension LicensingService {
    /// About how many networks used each license in the last days, those with most first: what looks cloned. It changes
    /// no verdict.
    package func spread(at now: Timestamp) async throws -> [LicenseSpread] {
        try await storeLastSeen()
        let seats = seats
        return try await database.read { try seats.spread(at: now, in: $0) }
    }

    /// Releases the seat of the installation that `request` is about, whose token comes along. Possible whatever the
    /// license's state. Throws `InvalidInput` without a token, `TokenRefused`, `SeatHeld`.
    package func deactivate(
        _ request: ValidationRequest, by provenance: Provenance
    ) async throws -> Deactivation {
        let license: ValidationAnswer.License
        switch try await validator.find(request, at: provenance.at) {
        case .unknownKey(let answer): return Deactivation(answer: answer, released: [])
        case .found(let found, _): license = found
        }
        let question = validator.question(request)
        guard question.isProductKnown, question.product.map({ $0 == license.facts.productID }) ?? true else {
            return deactivation(.productMismatch, request, license.facts.id, [], at: provenance.at)
        }
        guard let token = request.token else {
            throw InvalidInput("token", "must be there: the token of the installation that is deactivated")
        }
        let claims = try validator.prover.claims(of: token, for: license)
        guard request.installation.map({ claims.isAbout($0) }) ?? false else {
            throw TokenRefused(code: "wrong_installation")
        }
        guard let id = claims.activationID.flatMap({ ActivationID(text: $0) }) else {
            // A development host: it holds nothing.
            return deactivation(.notActivated, request, license.facts.id, [], at: provenance.at)
        }
        return try await giveBack(id, request, license.facts.id, by: provenance)
    }

    private func giveBack(
        _ id: ActivationID, _ request: ValidationRequest, _ license: LicenseID, by provenance: Provenance
    ) async throws -> Deactivation {
        let outcome = try await resolvingUnknown(license) { [self] in
            try await returned(id, of: license, by: provenance)
        }
        switch outcome {
        case .released, .wasReleased: return deactivation(.notActivated, request, license, [id], at: provenance.at)
        case .budgetSpent: return deactivation(.deactivationLimit, request, license, [], at: provenance.at)
        case .held(let until): throw SeatHeld(until: until)
        case .unknown: throw TokenRefused(code: "unknown_activation")
        }
    }

    private func returned(
        _ id: ActivationID, of license: LicenseID, by provenance: Provenance
    ) async throws -> SeatReturn {
        let (seats, index) = (seats, index)
        return try await database.change(license) { transaction in
            try seats.giveBack(id, of: license, by: provenance, in: transaction)
        } committed: { outcome in
            if case .released(let released) = outcome { index.apply(released.changes) }
        }
    }

    /// Does `change` of a license, which is safe to repeat, and once more when nobody knows whether it was done: then
    /// memory learns of it before anything is said.
    private func resolvingUnknown<Value: Sendable>(
        _ license: LicenseID, _ change: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await change()
        } catch DatabaseError.unknownOutcome {
            let value = try await change()
            try await shared?.refresh([license])
            return value
        }
    }

    /// The answer, with the license as it stands now.
    private func deactivation(
        _ verdict: Verdict, _ request: ValidationRequest, _ license: LicenseID, _ released: [ActivationID],
        at now: Timestamp
    ) -> Deactivation {
        let view = index.license(license).flatMap(validator.view)
        return Deactivation(answer: validator.seatless(verdict, request, view, at: now), released: released)
    }
}
