import GRDB

/// Another program that opens the same file, as an operator's sqlite3 shell does. Apart from the tests, because its
/// library and ours both call their main type `Database`.
struct Shell {
    private let queue: DatabaseQueue

    init(_ path: String) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
    }

    func run(_ sql: String) throws { try queue.writeWithoutTransaction { try $0.execute(sql: sql) } }

    /// The first column of every row.
    func texts(_ sql: String) throws -> [String] { try queue.read { try String.fetchAll($0, sql: sql) } }

    func close() throws { try queue.close() }
}
