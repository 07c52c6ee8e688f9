import Database
import Journal
import Primitives

/// The links of imports in the database. A link and its event are one change.
struct ImportLinkStore: Sendable {
    private let source: ImportSource
    private let journal: Journal

    init(source: ImportSource, journal: Journal) {
        self.source = source
        self.journal = journal
    }

    /// What became of the thing that the other system calls `externalID`, or nil when it never came.
    func find(_ kind: ImportKind, _ externalID: String, in transaction: ReadTransaction) throws -> ImportLink? {
        try transaction.first(
            "\(Self.select) WHERE source = ? AND kind = ? AND external_id = ?", source.rawValue, kind.rawValue,
            externalID, as: Self.link)
    }

    /// The link that led to something of ours, the first one of several.
    func find(_ kind: ImportKind, of internalID: Int64, in transaction: ReadTransaction) throws -> ImportLink? {
        try transaction.first(
            "\(Self.select) WHERE source = ? AND kind = ? AND internal_id = ? ORDER BY imported_at, external_id",
            source.rawValue, kind.rawValue, internalID, as: Self.link)
    }

    /// Stores a link, new or changed, as its next version.
    func store(_ link: ImportLink, by provenance: Provenance, in transaction: WriteTransaction) throws {
        let version = link.version + 1
        try transaction.execute(
            """
            INSERT INTO import_links (source, kind, external_id, internal_id, digests, legacy, version, imported_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (source, kind, external_id) DO UPDATE SET internal_id = excluded.internal_id,
                digests = excluded.digests, legacy = excluded.legacy, version = excluded.version,
                imported_at = excluded.imported_at
            """,
            source.rawValue, link.kind.rawValue, link.externalID, link.internalID, link.digests.stored, link.legacy,
            version, provenance.at)
        let event = Event(
            Event.Kind("import.recorded"),
            subject: "import:\(source.rawValue):\(link.kind.rawValue):\(link.externalID)", subjectVersion: version
        ) { facts in
            facts.member("became", Self.became(link))
        }
        try journal.append(event, by: provenance, in: transaction)
    }

    /// What it became, as people write it.
    private static func became(_ link: ImportLink) -> String {
        switch link.kind {
        case .license: LicenseID(databaseValue: link.internalID).description
        case .customer, .product: "\(link.kind.rawValue):\(link.internalID)"
        }
    }

    private static let select =
        "SELECT kind, external_id, internal_id, digests, legacy, version FROM import_links"

    private static func link(_ row: any SQLRow) throws -> ImportLink {
        guard let kind = ImportKind(rawValue: row.text(0)) else {
            throw DatabaseError.corrupt(detail: "import kind \(row.text(0))")
        }
        return ImportLink(
            kind: kind, externalID: row.text(1), internalID: row.integer(2),
            digests: ImportDigests(stored: row.text(3)), legacy: row.text(4), version: row.integer(5))
    }
}
