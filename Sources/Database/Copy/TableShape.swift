/// A table as the database's own catalog tells it: what a copy of its rows needs to know.
package struct TableShape: Sendable, Equatable {
    package let name: String
    package internal(set) var columns: [String] = []
    /// Columns of the primary key, in its order.
    package internal(set) var key: [String] = []
    /// The column that the database numbers by itself, never twice.
    package internal(set) var counter: String?
    /// Tables that rows of this one refer to.
    package internal(set) var parents: Set<String> = []

    package init(name: String) { self.name = name }

    var quotedName: String { name.quoted }

    var columnList: String { columns.map(\.quoted).joined(separator: ", ") }

    /// Every row in the order of its key, so that a row comes after those of its own table that it may refer to.
    var selection: String {
        "SELECT \(columnList) FROM \(quotedName)"
            + (key.isEmpty ? "" : " ORDER BY \(key.map(\.quoted).joined(separator: ", "))")
    }

    var insertion: String {
        let values = columns.map { _ in "?" }.joined(separator: ", ")
        return "INSERT INTO \(quotedName) (\(columnList)) VALUES (\(values))"
    }
}

extension [TableShape] {
    /// Each table after those that it refers to. Throws `CopyFailure.schemasDiffer` where tables refer to each other in
    /// a circle.
    func parentsFirst() throws -> [TableShape] {
        var (left, sorted) = (sorted { $0.name < $1.name }, [TableShape]())
        while !left.isEmpty {
            let names = Set(left.map(\.name))
            let ready = left.filter { $0.parents.subtracting([$0.name]).isDisjoint(with: names) }
            guard !ready.isEmpty else {
                throw CopyFailure.schemasDiffer("tables refer to each other: \(names.sorted().joined(separator: ", "))")
            }
            sorted += ready
            left.removeAll { table in ready.contains { $0.name == table.name } }
        }
        return sorted
    }
}

extension String {
    /// As a name in a statement, whatever word it is.
    var quoted: String { "\"\(replacing("\"", with: "\"\""))\"" }
}
