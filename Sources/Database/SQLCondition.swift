/// One way to narrow a list, as a WHERE condition whose values are bound, never written into the text.
package struct SQLCondition: Sendable {
    package let text: String
    package let arguments: [SQLValue]

    package init(_ text: String, _ arguments: SQLValue...) {
        self.init(text, arguments: arguments)
    }

    package init(_ text: String, arguments: [SQLValue]) {
        self.text = text
        self.arguments = arguments
    }

    /// Lets through what all `conditions` do; without any, everything.
    package static func all(_ conditions: [SQLCondition]) -> SQLCondition {
        SQLCondition(
            (["1 = 1"] + conditions.map { "(\($0.text))" }).joined(separator: " AND "),
            arguments: conditions.flatMap(\.arguments))
    }

    /// Rows one of whose `columns` holds `part`, whatever the case of ASCII letters.
    package static func contains(_ part: String, in columns: [String]) -> SQLCondition {
        let escaped = part.lowercased().reduce(into: "") { $0 += "%_!".contains($1) ? "!\($1)" : String($1) }
        return SQLCondition(
            columns.map { "lower(\($0)) LIKE ? ESCAPE '!'" }.joined(separator: " OR "),
            arguments: columns.map { _ in .text("%\(escaped)%") })
    }
}

extension ReadTransaction {
    /// One page of the rows of `table` that `condition` lets through, and how many there are in all.
    package func listing<Item: Sendable>(
        _ columns: String, from table: String, where condition: SQLCondition, orderedBy order: String, _ page: Page,
        as item: (any SQLRow) throws -> Item
    ) throws -> Listing<Item> {
        Listing(
            items: try all(
                "SELECT \(columns) FROM \(table) WHERE \(condition.text) ORDER BY \(order) LIMIT ? OFFSET ?",
                arguments: condition.arguments + [page.perPage.sqlValue, page.offset.sqlValue], as: item),
            total: try count(
                "SELECT count(*) FROM \(table) WHERE \(condition.text)", arguments: condition.arguments))
    }
}
