/// What a write finds true first, in its own transaction; otherwise it throws and nothing is written.
package typealias WriteRequirement = @Sendable (WriteTransaction) throws -> Void

extension Database {
    @TaskLocal static var requirement: WriteRequirement?

    /// Runs `work`, each of whose writes finds `requirement` true or does not happen: how a process that was paused
    /// learns, before it writes, that its turn is over. Whatever `work` calls is held to it without knowing.
    package static func requiring<Value>(
        _ requirement: @escaping WriteRequirement, _ work: () async throws -> Value
    ) async throws -> Value {
        try await $requirement.withValue(requirement, operation: work)
    }
}
