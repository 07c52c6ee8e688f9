import Primitives
import Synchronization

/// Policies by the texts they are stored as, so that a million rows with the same text are read once.
final class PolicyMemo: Sendable {
    /// What a row holds of a policy: the product's part and the license's.
    struct Stored: Hashable, Sendable {
        let product: StoredSettings
        let license: StoredSettings
    }

    /// Policies remembered; a full memo begins anew.
    static let entriesMax = 4096

    private let known = Mutex([Stored: (overrides: PolicySettings, policy: Policy)]())

    /// The license's own choices and all of them. Throws `InvalidInput` for text that no program of ours has written.
    func read(_ stored: Stored) throws -> (overrides: PolicySettings, policy: Policy) {
        if let known = known.withLock({ $0[stored] }) { return known }
        let overrides = try stored.license.settings()
        let entry = (overrides, Policy(try stored.product.settings(), overrides))
        known.withLock { known in
            if known.count >= Self.entriesMax { known.removeAll() }
            known[stored] = entry
        }
        return entry
    }
}

/// Settings as a row holds them.
struct StoredSettings: Hashable, Sendable {
    /// A JSON object of all but the two that have columns.
    let json: String
    let maxActivations: Int64?
    let graceDays: Int64?

    func settings() throws -> PolicySettings {
        var settings = json == "{}" ? PolicySettings() : try PolicySettings(json: [UInt8](json.utf8))
        settings.maxActivations = maxActivations.map { Int($0) }
        settings.graceDays = graceDays.map { Int($0) }
        return settings
    }
}

extension PolicySettings {
    /// What goes into the column `policy`.
    var storedJSON: String { String(decoding: json(PolicyField.stored), as: UTF8.self) }
}
