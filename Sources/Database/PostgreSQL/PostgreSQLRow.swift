import CPQ

/// The result of a statement; freed with its last reference.
final class PostgreSQLResult {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { PQclear(pointer) }

    var rowCount: Int32 { PQntuples(pointer) }

    /// Rows that a statement without a result changed.
    var changedCount: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }
}

/// A row of a result in the binary format (PostgreSQL 15 manual, §55.7: integers in network order).
struct PostgreSQLRow: SQLRow {
    /// Identifiers of types; source: `pg_type.dat` of PostgreSQL.
    private enum TypeID {
        static let (bool, bytea, name, int8, int2, int4, text): (Oid, Oid, Oid, Oid, Oid, Oid, Oid) =
            (16, 17, 19, 20, 21, 23, 25)
        static let (unknown, varchar, numeric): (Oid, Oid, Oid) = (705, 1043, 1700)
    }

    let result: PostgreSQLResult
    let index: Int32

    func isNull(_ column: Int) -> Bool { PQgetisnull(result.pointer, index, Int32(column)) != 0 }

    func value(_ column: Int) -> SQLValue {
        if isNull(column) { return .null }
        return switch type(of: column) {
        case TypeID.bytea: .blob(blob(column))
        case TypeID.text, TypeID.varchar, TypeID.name, TypeID.unknown: .text(text(column))
        default: .integer(integer(column))
        }
    }

    func integer(_ column: Int) -> Int64 {
        let bytes = bytes(of: column)
        switch type(of: column) {
        case TypeID.int8, TypeID.int4, TypeID.int2: return Self.signed(bytes)
        case TypeID.bool: return bytes.first == 0 ? 0 : 1
        case TypeID.numeric: return Self.numeric(bytes)
        case let other: preconditionFailure("column \(column) holds no integer but type \(other)")
        }
    }

    func text(_ column: Int) -> String { String(decoding: bytes(of: column), as: UTF8.self) }

    func blob(_ column: Int) -> [UInt8] {
        precondition(type(of: column) == TypeID.bytea, "column \(column) holds no blob")
        return Array(bytes(of: column))
    }

    func withBlob(_ column: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        precondition(type(of: column) == TypeID.bytea, "column \(column) holds no blob")
        body(bytes(of: column))
    }

    func storedText(_ column: Int) -> [UInt8] { Array(bytes(of: column)) }

    private func type(of column: Int) -> Oid { PQftype(result.pointer, Int32(column)) }

    /// Valid as long as the result.
    private func bytes(of column: Int) -> UnsafeRawBufferPointer {
        precondition(!isNull(column), "column \(column) is NULL")
        return UnsafeRawBufferPointer(
            start: PQgetvalue(result.pointer, index, Int32(column)),
            count: Int(PQgetlength(result.pointer, index, Int32(column))))
    }

    private static func signed(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        let start = Int64(Int8(bitPattern: bytes[0]))
        return bytes.dropFirst().reduce(start) { $0 << 8 | Int64($1) }
    }

    /// A whole number of the type that `sum` over integers gives: count of digits, weight, sign and scale, then digits
    /// to the base 10,000, 16 bits each; source: `numeric_send` of PostgreSQL.
    private static func numeric(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        func word(_ index: Int) -> Int64 { Int64(bytes[2 * index]) << 8 | Int64(bytes[2 * index + 1]) }
        let (count, weight) = (Int(word(0)), Int(Int16(truncatingIfNeeded: word(1))))
        // Below zero, where the one number more is.
        var negative: Int64 = 0
        for position in 0..<max(0, weight + 1) {
            let digit = position < count ? word(4 + position) : 0
            let (scaled, overflows) = negative.multipliedReportingOverflow(by: 10_000)
            precondition(!overflows, "a sum does not fit into 64 bits")
            negative = scaled - digit
        }
        return word(2) == 0x4000 ? negative : -negative
    }
}
