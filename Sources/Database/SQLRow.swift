package import Primitives

/// One row of a result; valid only inside the closure it is given to. Columns are counted from 0 in the order of the
/// SELECT. The schema's NOT NULL and STRICT make the typed readers safe: a mismatch is a programming error and traps.
package protocol SQLRow {
    func value(_ column: Int) -> SQLValue
    func integer(_ column: Int) -> Int64
    func text(_ column: Int) -> String
    func blob(_ column: Int) -> [UInt8]
    /// Hands the bytes of a blob to `body` without a copy; they are gone after it.
    func withBlob(_ column: Int, _ body: (UnsafeRawBufferPointer) -> Void)
    /// The bytes of a text as they are stored, also where they are no UTF-8 or hold a NUL.
    func storedText(_ column: Int) -> [UInt8]
    func isNull(_ column: Int) -> Bool
}

extension SQLRow {
    package func optionalInteger(_ column: Int) -> Int64? { isNull(column) ? nil : integer(column) }

    package func optionalText(_ column: Int) -> String? { isNull(column) ? nil : text(column) }

    package func bool(_ column: Int) -> Bool { integer(column) != 0 }

    package func timestamp(_ column: Int) -> Timestamp { Timestamp(milliseconds: integer(column)) }

    /// Milliseconds as an instant, or nil for NULL.
    package func optionalTimestamp(_ column: Int) -> Timestamp? {
        optionalInteger(column).map(Timestamp.init(milliseconds:))
    }

    package func randomID<Entity>(_ column: Int) -> RandomID<Entity> { RandomID(databaseValue: integer(column)) }

    /// Traps on 0 or less, which the schema's CHECK excludes.
    package func id<Entity>(_ column: Int) -> ID<Entity> {
        guard let id = ID<Entity>(integer(column)) else { preconditionFailure("column \(column) holds no identifier") }
        return id
    }
}
