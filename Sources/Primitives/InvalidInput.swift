/// Input that cannot be taken as it is: which members, and what is wrong with each. Nothing was changed.
package struct InvalidInput: Error, Equatable {
    /// One member and what is wrong with it.
    package struct Violation: Sendable, Equatable {
        /// The member, option or parameter as the sender wrote it: `max_activations`.
        package let member: String
        /// What would be accepted, as a sentence without the member's name.
        package let reason: String

        package init(member: String, reason: String) {
            self.member = member
            self.reason = reason
        }
    }

    package let violations: [Violation]

    package init(_ violations: [Violation]) { self.violations = violations }

    package init(_ member: String, _ reason: String) {
        violations = [Violation(member: member, reason: reason)]
    }
}

extension InvalidInput: CustomStringConvertible {
    package var description: String { violations.map { "\($0.member): \($0.reason)" }.joined(separator: "; ") }
}
