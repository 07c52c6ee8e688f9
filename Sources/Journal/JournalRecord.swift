package import Database
package import Primitives

/// An event as the journal holds it.
package struct JournalRecord: Sendable {
    /// Its place in the journal; of two, the higher was written later.
    package let sequence: Int64
    package let id: RandomID<EventEntity>
    package let type: String
    package let typeVersion: Int64
    package let subject: String
    package let subjectVersion: Int64
    /// The open facts and the reason, without what is sealed.
    package let facts: JSONObject
    /// Whether it says something about a person besides.
    package let hasPersonal: Bool
    /// What it says about a person; nil when nothing, when the person was erased, and when it was not asked for.
    package let personal: JSONObject?
    package let actor: String
    package let requestID: String
    package let at: Timestamp
}

/// What narrows a list of events.
package enum JournalCondition: Sendable {
    case subject(String)
    case type(String)
    case actor(String)
    /// At this instant or later.
    case since(Timestamp)
    /// Before this instant.
    case until(Timestamp)

    var sql: SQLCondition {
        switch self {
        case .subject(let subject): SQLCondition("subject = ?", subject.sqlValue)
        case .type(let type): SQLCondition("type = ?", type.sqlValue)
        case .actor(let actor): SQLCondition("actor = ?", actor.sqlValue)
        case .since(let instant): SQLCondition("at >= ?", instant.sqlValue)
        case .until(let instant): SQLCondition("at < ?", instant.sqlValue)
        }
    }
}

extension Journal {
    /// One page of the events that all `conditions` let through, newest first. What is sealed is opened only with
    /// `personal`.
    package func list(
        _ conditions: [JournalCondition], _ page: Page, personal: Bool, in transaction: ReadTransaction
    ) throws -> Listing<JournalRecord> {
        try transaction.listing(
            "sequence, id, type, type_version, subject, subject_version, data, actor, request_id, at", from: "journal",
            where: .all(conditions.map(\.sql)), orderedBy: "sequence DESC", page
        ) { row in try record(row, personal: personal, in: transaction) }
    }

    private func record(
        _ row: any SQLRow, personal: Bool, in transaction: ReadTransaction
    ) throws -> JournalRecord {
        let id: RandomID<EventEntity> = row.randomID(1)
        let data = row.text(6)
        guard let stored = try JSONReader.read(data.utf8).objectValue else {
            throw DatabaseError.corrupt(detail: "the data of \(id) is no object")
        }
        let opened = personal ? try personalData(of: id, data: data, in: transaction) : nil
        return JournalRecord(
            sequence: row.integer(0), id: id, type: row.text(2), typeVersion: row.integer(3), subject: row.text(4),
            subjectVersion: row.integer(5), facts: stored.without("sealed"), hasPersonal: stored["sealed"] != nil,
            personal: try opened.flatMap { try JSONReader.read($0).objectValue }, actor: row.text(7),
            requestID: row.text(8), at: row.timestamp(9))
    }
}

/// The journal as people read it.
package struct AuditLog: Sendable {
    private let journal: Journal
    private let database: Database

    package init(journal: Journal, database: Database) {
        self.journal = journal
        self.database = database
    }

    /// One page of the events that all `conditions` let through, newest first; see ``Journal/list(_:_:personal:in:)``.
    package func events(
        _ conditions: [JournalCondition], _ page: Page, personal: Bool
    ) async throws -> Listing<JournalRecord> {
        let journal = journal
        return try await database.read { try journal.list(conditions, page, personal: personal, in: $0) }
    }
}
