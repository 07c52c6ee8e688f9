import Cluster
import Database
import Licensing
import Primitives

// This process among those that serve the database.
extension Signet {
    /// What this node says of itself once it serves.
    static func profile(
        _ settings: Settings, _ licensing: LicensingService, _ clock: any WallClock
    ) -> Membership.Profile {
        Membership.Profile(
            name: "\(NodeFile.hostName) \(settings.listen)", version: version,
            keyIDs: { try licensing.keys.lookAtFiles(at: clock.now()) },
            feed: { licensing.feedStatus.map { FeedPosition(transaction: $0.position, age: $0.age) } })
    }

    /// Whether other processes may write to the same database.
    var isShared: Bool { database.isShared }

    /// Makes this process one of those that serve the database. Only then does it look whether it has what they must
    /// have: no key gets a time that it does not see. Throws `SecretsError` naming the file that it lacks.
    func join() async throws {
        try await membership.join(as: NodeFile.id(in: settings.stateDirectory, logger))
        guard isShared else { return }
        try await licensing.keys.reload(at: clock.now())
        try licensing.keys.checkFiles(at: clock.now())
    }
}
