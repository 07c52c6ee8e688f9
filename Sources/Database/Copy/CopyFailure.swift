/// Why a copy of a database was not made. Nothing of it remains.
package enum CopyFailure: Error, Equatable {
    /// The two databases do not have the same tables and columns.
    case schemasDiffer(String)
    /// What arrived is not what was sent.
    case rowsDiffer(table: String, expected: Int64, found: Int64)
    /// New rows would get numbers that are taken.
    case counterBehind(table: String, last: Int64, counter: Int64)
    /// The journal does not end as the source's does.
    case endsDiffer
    /// The other database cannot hold this text: it is no UTF-8, or has a NUL.
    case text(table: String, column: String)
    /// The target was changed while the copy was being prepared.
    case targetChanged
}

extension CopyFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .schemasDiffer(let detail): "the two databases have not the same schema: \(detail)"
        case .rowsDiffer(let table, let expected, let found):
            "\(found) rows of \(table) arrived, not \(expected); nothing was changed"
        case .counterBehind(let table, let last, let counter):
            "new rows of \(table) would be numbered after \(counter), but \(last) is taken; nothing was changed"
        case .endsDiffer: "the journal of the copy does not end as the source's does; nothing was changed"
        case .text(let table, let column):
            "a text in \(table).\(column) is no UTF-8 or holds a NUL, and cannot be copied; nothing was changed"
        case .targetChanged: "the target was changed while the copy was being prepared; nothing was copied"
        }
    }
}
