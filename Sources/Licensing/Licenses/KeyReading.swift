import LicenseToken
import Primitives
import Secrets

/// What a typed text may be as a key, in the order in which it is tried: a key of ours, with or without a product's
/// prefix, or an offline key.
struct KeyReading: Sendable {
    let candidates: [LicenseKey]
    /// Present only when the text is no key of the short form.
    let offline: OfflineKey?

    /// `prefixes`: what products put before their keys.
    init(_ typed: String, prefixes: [String]) {
        candidates = LicenseKey.candidates(typed: typed, prefixes: prefixes)
        offline = candidates.isEmpty ? Self.offlineKey(typed) : nil
    }

    /// Whether a symbol must be wrong, or it is no key at all.
    var isMalformed: Bool { candidates.isEmpty && offline == nil }

    /// The hash of its first reading; nil for no key at all.
    func firstHash(_ hashes: KeyedHashes) -> KeyedHash? { first(hashes) { $0 } }

    /// What `find` makes of the first of the hashes under which it may be known that it knows. A hash is made when it
    /// is asked for, and none is kept.
    func first<Value>(_ hashes: KeyedHashes, _ find: (KeyedHash) throws -> Value?) rethrows -> Value? {
        for candidate in candidates {
            if let found = try find(hashes.hash(of: candidate)) { return found }
        }
        guard let offline else { return nil }
        return try find(hashes.hash(of: offline))
    }

    private static func offlineKey(_ typed: String) -> OfflineKey? {
        do { return try OfflineKey(typed) } catch { return nil }
    }
}
