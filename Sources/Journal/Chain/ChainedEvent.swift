import Database

/// An event exactly as it is stored, for the hash chain.
///
/// Its hash is SHA-256 over these parts, each preceded by its length (four bytes, big-endian):
///
///     signet-journal-1   the layout, as text
///     previous           the hash of the event before; 32 zero bytes before the first
///     sequence id xid    eight bytes each, big-endian, two's complement
///     type               text as stored
///     type_version       eight bytes
///     subject            text as stored
///     subject_version    eight bytes
///     data actor request_id   texts as stored
///     at                 eight bytes
struct ChainedEvent: Sendable {
    /// The columns that a statement must ask for first, in this order: every column of the journal.
    static let columns =
        "j.sequence, j.id, j.xid, j.type, j.type_version, j.subject, j.subject_version, j.data, j.actor,"
        + " j.request_id, j.at"
    static let columnCount = 11
    private static let layout = Array("signet-journal-1".utf8)
    /// Which of them are texts.
    private static let texts: Set = [3, 5, 7, 8, 9]

    let sequence: Int64
    /// 0 where one writer numbers events without gaps.
    let writer: Int64
    private let parts: [[UInt8]]

    init(_ row: any SQLRow) {
        sequence = row.integer(0)
        writer = row.integer(2)
        parts = (0..<Self.columnCount).map { column in
            Self.texts.contains(column) ? row.storedText(column) : Self.bytes(of: row.integer(column))
        }
    }

    /// The hash of the chain at this event.
    func hash(after previous: ChainHash) -> ChainHash { ChainHash(over: [Self.layout, previous.bytes] + parts) }

    private static func bytes(of number: Int64) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
