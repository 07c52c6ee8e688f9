import CPQ
import Dispatch
import Primitives
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// One connection to a PostgreSQL server, always in libpq's pipeline mode: what begins a transaction travels with its
/// first statement, and many changes of one kind are one journey.
///
/// `@unchecked Sendable`: the pool lends a session to one transaction at a time, and that runs on one thread.
final class PostgreSQLSession: @unchecked Sendable {
    /// Texts prepared on one connection; far more than the program has.
    private static let preparedMax = 1_000
    /// Changes sent before their answers are read.
    private static let batchMax = 500
    /// How long a server that is in doubt may take for one journey, whatever its transaction has patience for.
    private static let patienceInDoubt = Duration.seconds(1)
    /// How often somebody who waits looks whether the server is in doubt.
    private static let lookInterval = Duration.milliseconds(250)

    /// A text and the types that its arguments have, which a prepared statement fixes.
    private struct StatementKey: Hashable {
        let sql: String
        let types: [Oid]
    }

    /// What the server owes an answer for, in order.
    private enum Expected {
        case preparation(StatementKey)
        /// An answer that matters only when it is an error.
        case done
        case result
    }

    /// Where whoever has the session lent waits for the server.
    let thread: DispatchQueue
    private let connection: OpaquePointer
    private var prepared: [StatementKey: String] = [:]
    private var expected: [Expected] = []
    /// Synchronization points sent whose answers are not read.
    private var unreadPoints = 0
    private var warning = false
    private var preparations = 0
    private var cursorsOpen = 0
    /// How long the server may take for one journey.
    var patience = Duration.seconds(1)
    private var sentAt = ContinuousClock.now
    /// The host that answers, and its port.
    let server: String
    private let doubt = Atomic(false)
    /// Set once the connection is of no use any more.
    private(set) var isLost = false
    /// Set when a statement was refused for the moment only: the transaction begins again.
    var mustRetry = false
    private let onStatement: (@Sendable (String) -> Void)?

    /// Connects to the first host that takes changes. Throws `PostgreSQLError`.
    init(
        _ address: PostgreSQLAddress, thread: DispatchQueue, onStatement: (@Sendable (String) -> Void)?
    ) throws {
        let parameters = address.connectionParameters.sorted { $0.key < $1.key }
        let opened = withCStrings(parameters.map(\.key)) { names in
            withCStrings(parameters.map(\.value)) { values in PQconnectdbParams(names, values, 0) }
        }
        guard let opened else { throw PostgreSQLError(lost: "no memory for a connection") }
        connection = opened
        server = [PQhost(opened), PQhostaddr(opened), PQport(opened)].map { $0.map { String(cString: $0) } ?? "" }
            .joined(separator: " ")
        self.thread = thread
        self.onStatement = onStatement
        guard PQstatus(connection) == CONNECTION_OK, PQsetnonblocking(connection, 1) == 0,
            PQenterPipelineMode(connection) == 1
        else {
            throw PostgreSQLError(lost: String(cString: PQerrorMessage(connection)).oneLine)
        }
        let flag = Unmanaged.passUnretained(self).toOpaque()
        PQsetNoticeReceiver(
            connection,
            { context, _ in
                context.map { Unmanaged<PostgreSQLSession>.fromOpaque($0).takeUnretainedValue().warning = true }
            }, flag)
    }

    deinit { PQfinish(connection) }

    /// As `PQserverVersion` gives it: 150018 is 15.18.
    var serverVersion: Int { Int(PQserverVersion(connection)) }

    /// Calls `body` with a name that no open cursor has. There are as many names as scans inside one another: each
    /// makes statements of its own.
    func withCursorName<Value>(_ body: (String) throws -> Value) rethrows -> Value {
        cursorsOpen += 1
        defer { cursorsOpen -= 1 }
        return try body("cursor_\(cursorsOpen)")
    }

    /// Whether its server may be gone without a word: another one takes changes now. Whoever waits for it waits a
    /// second, and it is not lent again.
    var isInDoubt: Bool { doubt.load(ordering: .relaxed) }

    /// From any thread.
    func putInDoubt() { doubt.store(true, ordering: .relaxed) }

    /// A setting that the server reports at the start of a connection.
    func reported(_ parameter: String) -> String? {
        PQparameterStatus(connection, parameter).map { String(cString: $0) }
    }
}

// MARK: - Statements

extension PostgreSQLSession {
    /// Puts a statement on its way; it goes out with the next one that is waited for.
    func queue(_ sql: String) throws {
        try send(sql, [])
        expected.append(.done)
    }

    /// Runs one statement and everything queued before it. Throws `PostgreSQLError`: the first error of them.
    func run(_ sql: String, _ arguments: [SQLValue] = []) throws -> PostgreSQLResult {
        try send(sql, arguments)
        expected.append(.result)
        guard let result = try settle().last else { preconditionFailure("a statement without an error has a result") }
        return result
    }

    /// Runs one statement with each of `rows`; the rows that were changed in all.
    func runAll(_ sql: String, _ rows: [[SQLValue]]) throws -> Int {
        var changed = 0
        for start in stride(from: 0, to: rows.count, by: Self.batchMax) {
            let batch = rows[start..<min(start + Self.batchMax, rows.count)]
            let types = Self.types(of: batch)
            for row in batch {
                try send(sql, row, types: types)
                expected.append(.result)
            }
            changed += try settle().reduce(0) { $0 + $1.changedCount }
        }
        return changed
    }

    /// Runs what was queued, and `last`, without waiting: the next use of the session reads the answers.
    func leave(with last: String) throws {
        try queue(last)
        try sync()
    }

    /// Ends a transaction and all that was queued before. `identifier` is that of a transaction that changed
    /// something, else 0; `isSure` is false when the server warned that the standby may not have it.
    func commit() throws -> (identifier: Int64, isDone: Bool, isSure: Bool) {
        warning = false
        for sql in ["SELECT pg_current_xact_id_if_assigned()::text::bigint", "COMMIT"] {
            try send(sql, [])
            expected.append(.result)
        }
        let results = try settle()
        let identifier = PostgreSQLRow(result: results[0], index: 0).optionalInteger(0) ?? 0
        // A transaction in which a statement failed answers COMMIT with ROLLBACK.
        return (identifier, String(cString: PQcmdStatus(results[1].pointer)) == "COMMIT", !warning)
    }

    /// Runs statements of a migration, several in one text, outside pipeline mode.
    func define(_ sql: String) throws {
        _ = try settle()
        guard PQexitPipelineMode(connection) == 1 else { throw lost("pipeline mode could not be left") }
        defer { PQenterPipelineMode(connection) }
        sentAt = .now
        guard PQsendQuery(connection, sql) == 1 else { throw lost(nil) }
        try flush()
        var failure: PostgreSQLError?
        while let result = try next() {
            if PQresultStatus(result.pointer) == PGRES_FATAL_ERROR { failure = failure ?? error(in: result) }
        }
        if let failure { throw failure }
    }

    /// One type for each place in all of `rows`, so that a NULL here and there makes no statement of its own; nil where
    /// two rows do not agree.
    private static func types(of rows: ArraySlice<[SQLValue]>) -> [Oid]? {
        var types = rows.first?.map(\.typeID) ?? []
        for row in rows {
            for (place, value) in row.enumerated() where value != .null {
                if types[place] == 0 { types[place] = value.typeID }
                guard types[place] == value.typeID else { return nil }
            }
        }
        return types
    }

    private func send(_ sql: String, _ arguments: [SQLValue], types: [Oid]? = nil) throws {
        onStatement?(sql)
        let key = StatementKey(sql: sql, types: types ?? arguments.map(\.typeID))
        let name = try prepared[key] ?? prepare(key)
        let sent = ArgumentBuffer(arguments).withPointers { values, lengths, formats in
            PQsendQueryPrepared(connection, name, Int32(arguments.count), values, lengths, formats, 1)
        }
        guard sent == 1 else { throw lost(nil) }
    }

    private func prepare(_ key: StatementKey) throws -> String {
        if prepared.count >= Self.preparedMax { throw lost("too many different statements") }
        preparations += 1
        let name = "s\(preparations)"
        let text = PostgreSQLDialect.statement(key.sql)
        guard PQsendPrepare(connection, name, text, Int32(key.types.count), key.types) == 1 else { throw lost(nil) }
        expected.append(.preparation(key))
        prepared[key] = name
        return name
    }
}

// MARK: - Answers

extension PostgreSQLSession {
    /// Sends what is queued and reads all that the server owes; the results of statements, in order.
    @discardableResult
    private func settle() throws -> [PostgreSQLResult] {
        if !expected.isEmpty { try sync() }
        defer { expected.removeAll(keepingCapacity: true) }
        var (results, failure) = ([PostgreSQLResult](), PostgreSQLError?.none)
        for answer in expected {
            if isLost, let failure { throw failure }
            let result = try answered()
            let status = PQresultStatus(result.pointer)
            let isError = status == PGRES_FATAL_ERROR || status == PGRES_PIPELINE_ABORTED
            if status == PGRES_FATAL_ERROR { failure = failure ?? error(in: result) }
            switch answer {
            case .preparation(let key): if isError { prepared[key] = nil }
            case .done: break
            case .result: if !isError { results.append(result) }
            }
        }
        if isLost, let failure { throw failure }
        try passPoints()
        if let failure { throw failure }
        return results
    }

    /// The result of the next statement, and the end of it.
    private func answered() throws -> PostgreSQLResult {
        guard var result = try next() else { throw lost("the server left an answer out") }
        // Points of earlier journeys that nobody waited for.
        while PQresultStatus(result.pointer) == PGRES_PIPELINE_SYNC {
            unreadPoints -= 1
            guard let following = try next() else { throw lost("the server left an answer out") }
            result = following
        }
        do {
            while try next() != nil {}
        } catch {
            // The server's last words say more than that the connection is gone.
            guard PQresultStatus(result.pointer) == PGRES_FATAL_ERROR else { throw error }
        }
        return result
    }

    private func passPoints() throws {
        while unreadPoints > 0 {
            guard let result = try next(), PQresultStatus(result.pointer) == PGRES_PIPELINE_SYNC else {
                throw lost("the server's answers do not fit the questions")
            }
            unreadPoints -= 1
        }
    }

    private func sync() throws {
        sentAt = .now
        guard PQpipelineSync(connection) == 1 else { throw lost(nil) }
        unreadPoints += 1
        try flush()
    }

    private func flush() throws {
        while true {
            switch PQflush(connection) {
            case 0: return
            case 1: try wait(for: Int16(POLLIN | POLLOUT))
            default: throw lost(nil)
            }
            guard PQconsumeInput(connection) == 1 else { throw lost(nil) }
        }
    }

    private func next() throws -> PostgreSQLResult? {
        while PQisBusy(connection) == 1 {
            try wait(for: Int16(POLLIN))
            guard PQconsumeInput(connection) == 1 else { throw lost(nil) }
        }
        return PQgetResult(connection).map(PostgreSQLResult.init)
    }

    private func wait(for events: Int16) throws {
        var descriptor = pollfd(fd: PQsocket(connection), events: events, revents: 0)
        while true {
            let end = sentAt + (isInDoubt ? min(patience, Self.patienceInDoubt) : patience)
            let left = min(ContinuousClock.now.duration(to: end), Self.lookInterval) / .milliseconds(1)
            guard left > 0 else {
                throw lost(isInDoubt ? "another server takes changes now" : "the server did not answer in time")
            }
            let ready = poll(&descriptor, 1, Int32(left.rounded(.up)))
            if ready > 0 { return }
            if ready < 0, errno != EINTR { throw lost(String(cString: strerror(errno))) }
        }
    }

    private func error(in result: PostgreSQLResult) -> PostgreSQLError {
        let error = PostgreSQLError(result.pointer)
        if error.endsConnection || PQstatus(connection) != CONNECTION_OK { isLost = true }
        if error.isConflictOfTransactions { mustRetry = true }
        return error
    }

    private func lost(_ message: String?) -> PostgreSQLError {
        isLost = true
        return PostgreSQLError(lost: message ?? String(cString: PQerrorMessage(connection)).oneLine)
    }
}

// MARK: - Arguments

extension SQLValue {
    /// `int8`, `text`, `bytea`; 0 lets the server find the type of a NULL.
    fileprivate var typeID: Oid {
        switch self {
        case .null: 0
        case .integer: 20
        case .text: 25
        case .blob: 17
        }
    }
}

/// Arguments in the binary format, one after another.
private struct ArgumentBuffer {
    private var bytes: [UInt8] = []
    /// Where each begins; nil for NULL.
    private var starts: [Int?] = []
    private var lengths: [Int32] = []

    init(_ arguments: [SQLValue]) {
        for argument in arguments {
            let start = bytes.count
            switch argument {
            case .null: break
            case .integer(let number): withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
            case .text(let text): bytes.append(contentsOf: text.utf8)
            case .blob(let blob): bytes.append(contentsOf: blob)
            }
            lengths.append(Int32(bytes.count - start))
            starts.append(argument == .null ? nil : start)
        }
        // An empty value needs an address too: without one it would be NULL.
        bytes.append(0)
    }

    func withPointers<Value>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<Int32>, UnsafePointer<Int32>) -> Value
    ) -> Value {
        bytes.withUnsafeBytes { buffer in
            let base = buffer.assumingMemoryBound(to: CChar.self).baseAddress
            let pointers = starts.map { start in start.flatMap { start in base.map { $0 + start } } }
            let formats = [Int32](repeating: 1, count: starts.count)
            return pointers.withUnsafeBufferPointer { pointers in
                lengths.withUnsafeBufferPointer { lengths in
                    formats.withUnsafeBufferPointer { formats in
                        body(pointers.address, lengths.address, formats.address)
                    }
                }
            }
        }
    }
}

extension UnsafeBufferPointer {
    /// An address also of nothing: libpq looks at none when there are no arguments.
    fileprivate var address: UnsafePointer<Element> {
        baseAddress ?? UnsafePointer(bitPattern: MemoryLayout<Element>.alignment).unsafelyUnwrapped
    }
}

/// `strings` as an array of C strings that ends with NULL.
private func withCStrings<Value>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
) -> Value {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    let pointers = copies.map { UnsafePointer<CChar>($0) } + [nil]
    return pointers.withUnsafeBufferPointer { body($0.address) }
}

extension String {
    /// Messages of libpq about several hosts have a line for each.
    fileprivate var oneLine: String { split(separator: "\n").joined(separator: "; ") }
}
