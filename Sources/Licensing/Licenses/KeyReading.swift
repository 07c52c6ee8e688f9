import LicenseToken
import Primitives
import Secrets

/// How the keys look that this installation knows of.
package struct KeyForms: Sendable {
    /// What products put before their keys.
    package var prefixes: [String] = []
    /// Whether any license has a key of another system.
    package var includesImported = false
}

/// What a typed text may be as a key, in the order in which it is tried: a key of ours, with or without a product's
/// prefix, or an offline key, and last a key of another system. What is ours comes first, so that no imported key can
/// stand in its way; an import refuses a key that is read as one of ours already.
struct KeyReading: Sendable {
    let candidates: [LicenseKey]
    /// Present only when the text is no key of the short form.
    let offline: OfflineKey?
    /// Nil while no license has a key of another system: then nothing is hashed for a text that is no key of ours.
    private let foreign: String?

    init(_ typed: String, forms: KeyForms) {
        candidates = LicenseKey.candidates(typed: typed, prefixes: forms.prefixes)
        offline = candidates.isEmpty ? Self.offlineKey(typed) : nil
        foreign = forms.includesImported ? typed : nil
    }

    /// The key of another system that it may be. Made when it is asked for: nearly all keys are ours.
    private var imported: ImportedKey? { foreign.flatMap { ImportedKey(typed: $0) } }

    /// Whether a symbol must be wrong, or it is no key at all.
    var isMalformed: Bool { candidates.isEmpty && offline == nil && imported == nil }

    /// The hash of its first reading; nil for no key at all.
    func firstHash(_ hashes: KeyedHashes) -> KeyedHash? { first(hashes) { $0 } }

    /// What `find` makes of the first of the hashes under which it may be known that it knows. A hash is made when it
    /// is asked for, and none is kept.
    func first<Value>(_ hashes: KeyedHashes, _ find: (KeyedHash) throws -> Value?) rethrows -> Value? {
        for candidate in candidates {
            if let found = try find(hashes.hash(of: candidate)) { return found }
        }
        if let offline, let found = try find(hashes.hash(of: offline)) { return found }
        guard let imported else { return nil }
        return try find(hashes.hash(of: imported))
    }

    /// Every hash under which it may be known.
    func hashes(_ hashes: KeyedHashes) -> [KeyedHash] {
        var all: [KeyedHash] = []
        _ = first(hashes) { hash -> Bool? in
            all.append(hash)
            return nil
        }
        return all
    }

    private static func offlineKey(_ typed: String) -> OfflineKey? {
        do { return try OfflineKey(typed) } catch { return nil }
    }
}
