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

    /// The hashes under which it may be known.
    func hashes(_ hashes: KeyedHashes) -> [KeyedHash] {
        candidates.map(hashes.hash(of:)) + (offline.map { [hashes.hash(of: $0)] } ?? [])
    }

    private static func offlineKey(_ typed: String) -> OfflineKey? {
        do { return try OfflineKey(typed) } catch { return nil }
    }
}
