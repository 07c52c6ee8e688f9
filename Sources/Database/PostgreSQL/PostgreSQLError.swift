import CPQ

/// An error that the server told, or the end of a connection, before it is put into our words.
struct PostgreSQLError: Error {
    /// Five characters (PostgreSQL 15 manual, appendix A); nil when no server told anything.
    let state: String?
    let message: String

    /// Fields of an error; source: `postgres_ext.h`, whose macros of single characters Swift does not see.
    private enum Field: UInt8 {
        case state = 67  // C
        case message = 77  // M
        case constraint = 110  // n
    }

    /// Of a result that is an error.
    init(_ result: OpaquePointer) {
        state = Self.field(result, .state)
        let constraint = Self.field(result, .constraint).map { " (\($0))" } ?? ""
        message = "\(state ?? "?"): \(Self.field(result, .message) ?? "no message")\(constraint)"
    }

    /// The connection is of no use any more.
    init(lost message: String) {
        state = nil
        self.message = message
    }

    private static func field(_ result: OpaquePointer, _ field: Field) -> String? {
        PQresultErrorField(result, Int32(field.rawValue)).map { String(cString: $0) }
    }

    private var kind: Substring { state?.prefix(2) ?? "" }

    /// Nothing is wrong but the moment: the same transaction, begun again, may well succeed.
    var isConflictOfTransactions: Bool { state == "40001" || state == "40P01" }

    /// Whether the connection must not be used again: it is gone, or its server does not take changes any more.
    var endsConnection: Bool {
        state == nil || ["08", "57", "58", "XX"].contains(kind) && state != "57014" || state == "25006"
            || state == "0A000"
    }

    /// Whether a COMMIT that ended like this may have been made all the same.
    var leavesCommitOpen: Bool { !["23", "40", "25"].contains(kind) }

    /// In our words, for a transaction that was not committed.
    var translated: DatabaseError {
        switch (kind, state) {
        case ("23", _), (_, "P0001"): .conflict(detail: message)
        case (_, "XX001"), (_, "XX002"): .corrupt(detail: message)
        case ("22", _), ("42", _), (_, "25P02"): .statement(detail: message)
        default: .unavailable(detail: message)
        }
    }
}
