import Primitives
import Secrets

/// What a thing of another system became here, and what was brought of it last.
struct ImportLink: Sendable, Equatable {
    let kind: ImportKind
    /// As the other system calls it.
    let externalID: String
    /// The row of customers, products or licenses, as the database spells it.
    var internalID: Int64
    var digests: ImportDigests
    /// A JSON object: what the endpoint for old clients tells besides, and what the next import has to know.
    var legacy: String
    var version: Int64
}

/// Keyed hashes of the parts of what was brought last. A part that comes again as it was is left alone, whatever became
/// of it here: only what changed there is changed here.
struct ImportDigests: Sendable, Equatable {
    private(set) var byPart: [String: String] = [:]

    init() {}

    /// As stored: `name:digest` for each part, separated by spaces.
    init(stored: String) {
        for entry in stored.split(separator: " ") {
            let halves = entry.split(separator: ":", maxSplits: 1)
            if halves.count == 2 { byPart[String(halves[0])] = String(halves[1]) }
        }
    }

    var stored: String { byPart.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: " ") }

    /// Notes what `part` is; nothing else of it can be learned from the digest.
    mutating func note(_ part: String, _ content: String, by hashes: KeyedHashes) {
        byPart[part] = Base64URL.encode(hashes.digest(ofImported: part, [UInt8](content.utf8)).bytes)
    }

    /// Whether `part` differs from what it was.
    func differs(from before: ImportDigests, in part: String) -> Bool { byPart[part] != before.byPart[part] }
}
