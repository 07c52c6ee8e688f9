import Database
import TestSupport
import Testing

/// A server that speaks as much of the protocol as a connection needs to be made, and does nothing besides.
enum FakePostgreSQL {
    /// `parameters` are reported to everyone who comes; `refusal` is what they are told instead.
    static func listen(reporting parameters: [String: String] = [:], refusal: String? = nil) throws -> LoopbackListener
    {
        try LoopbackListener { socket in
            while let head = socket.readExactly(8) {
                let (length, code) = (integer(head[0..<4]), integer(head[4..<8]))
                guard socket.readExactly(length - 8) != nil else { return }
                // A wish for encryption, which is not offered.
                if code == 80_877_103 || code == 80_877_104 {
                    socket.write(Array("N".utf8))
                    continue
                }
                socket.write(answer(parameters, refusal))
                if refusal == nil { while !socket.read().isEmpty {} }
                return
            }
        }
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    private static func answer(_ parameters: [String: String], _ refusal: String?) -> [UInt8] {
        if let refusal { return message("E", "SFATAL\0C28000\0M\(refusal)\0\0".utf8) }
        let reported = [
            "server_version": "15.0", "server_encoding": "UTF8", "client_encoding": "UTF8",
            "standard_conforming_strings": "on", "default_transaction_read_only": "off", "in_hot_standby": "off",
        ].merging(parameters) { $1 }
        return message("R", [0, 0, 0, 0]) + reported.flatMap { message("S", "\($0)\0\($1)\0".utf8) }
            + message("K", [0, 0, 0, 1, 0, 0, 0, 1]) + message("Z", "I".utf8)
    }

    private static func message(_ type: Character, _ content: some Collection<UInt8>) -> [UInt8] {
        Array("\(type)".utf8) + withUnsafeBytes(of: UInt32(content.count + 4).bigEndian, Array.init) + content
    }
}

@Suite("A PostgreSQL server that cannot be used", .onPostgreSQL)
struct PostgreSQLRefusalTests {
    private static let password = "not-the-password"

    /// Expects that `address` cannot be opened for now, by a line that says `text` and no password.
    private func expectUnavailable(_ address: String, says text: String) async {
        let error = await #expect(throws: DatabaseError.self) { try await TestDatabase.postgreSQL(at: address) }
        guard case .unavailable(let detail) = error else {
            Issue.record("not unavailable: \(String(describing: error))")
            return
        }
        #expect(detail.contains(text))
        #expect(!detail.contains(Self.password) && !detail.contains("\n"))
    }

    private func atFake(_ listener: LoopbackListener, _ parameters: String = "sslmode=disable") -> String {
        "postgres://signet:\(Self.password)@127.0.0.1:\(listener.port)/signet?\(parameters)&gssencmode=disable"
    }

    @Test("because the password is wrong, or there is none, says so")
    func password() async throws {
        let address = try await TestDatabase.schemaAddress()
        let watch = try await TestDatabase.postgreSQL(at: address)
        try await watch.changeSchema { connection in
            let role = """
                DO 'BEGIN CREATE ROLE guarded LOGIN PASSWORD ''the-password'';
                EXCEPTION WHEN duplicate_object THEN NULL; END'
                """
            _ = try connection.execute(role, [])
        }
        func guarded(_ password: String) -> String {
            address.replacing("postgres://signet@", with: "postgres://guarded\(password)@")
        }
        await expectUnavailable(
            guarded(":\(Self.password)"), says: "password authentication failed for user \"guarded\"")
        await expectUnavailable(guarded(""), says: "no password supplied")
        _ = try await TestDatabase.postgreSQL(at: guarded(":the-password").replacing("options=", with: "passfile="))
    }

    @Test("because it has no such role or database says so")
    func names() async throws {
        let address = try await TestDatabase.schemaAddress()
        await expectUnavailable(
            address.replacing("postgres://signet@", with: "postgres://nobody:\(Self.password)@"),
            says: "role \"nobody\" does not exist")
        await expectUnavailable(address.replacing("/signet?", with: "/nothing?"), says: "\"nothing\" does not exist")
    }

    @Test(
        "because it is too old says which version it is, and which is needed", arguments: ["14.9", "9.6.24", "10.23"])
    func version(version: String) async throws {
        let listener = try FakePostgreSQL.listen(reporting: ["server_version": version])
        await expectUnavailable(atFake(listener), says: "PostgreSQL 15 or later is needed")
        await expectUnavailable(atFake(listener), says: "is \(version)")
        listener.close()
    }

    @Test("because its texts are not UTF-8 says so")
    func encoding() async throws {
        let address = try await TestDatabase.schemaAddress().replacing("/signet?", with: "/ascii?")
        await expectUnavailable(address, says: "must be UTF8, not SQL_ASCII")
    }

    @Test("because another program's tables are there is foreign, and is left as it was")
    func foreign() async throws {
        let address = try await TestDatabase.schemaAddress()
        let driver = try await TestDatabase.postgreSQL(at: address)
        try await driver.changeSchema { _ = try $0.execute("CREATE TABLE schema_versions (version bigint)", []) }
        let error = await #expect(throws: DatabaseError.self) { try await TestDatabase.postgreSQL(at: address) }
        #expect(error == .foreign(detail: "it has tables that are not ours"))
        let tables = try await Database(driver: driver).read {
            try $0.all("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()") { $0.text(0) }
        }
        #expect(tables == ["schema_versions"])
    }

    @Test("because a newer program made its schema is said to be newer")
    func newer() async throws {
        let address = try await TestDatabase.schemaAddress()
        let database = Database(driver: try await TestDatabase.postgreSQL(at: address))
        let next = Migration(version: 9, name: "next", readableFrom: 9, sql: "CREATE TABLE t (a INTEGER) STRICT;")
        try await database.migrate([Notes.migration, next], at: ManualClock.start)
        let older = Database(driver: try await TestDatabase.postgreSQL(at: address))
        await #expect(throws: DatabaseError.newer(required: 9, known: 1)) {
            try await older.migrate([Notes.migration], at: ManualClock.start)
        }
    }

    @Test("because nobody answers there says so in time")
    func silent() async throws {
        let silent = try LoopbackListener { while !$0.read().isEmpty {} }
        await expectUnavailable(atFake(silent, "sslmode=disable&connect_timeout=2"), says: "timeout expired")
        silent.close()
        let gone = try LoopbackListener(serve: nil)
        gone.close()
        await expectUnavailable(atFake(gone), says: "Connection refused")
    }

    @Test("because its queue is full and it takes nobody says so in time")
    func full() async throws {
        let full = try LoopbackListener(backlog: 0, serve: nil)
        let waiting = (0..<4).map { _ in Socket(beginningAt: full.port) }
        await expectUnavailable(atFake(full, "sslmode=disable&connect_timeout=2"), says: "timeout expired")
        for socket in waiting { socket.close() }
        full.close()
    }

    @Test("because one side asks for encryption and the other does not says so")
    func encryption() async throws {
        let plain = try FakePostgreSQL.listen()
        await expectUnavailable(atFake(plain, "sslmode=require"), says: "server does not support SSL")
        plain.close()
        let strict = try FakePostgreSQL.listen(refusal: "no pg_hba.conf entry for host \"127.0.0.1\", no encryption")
        await expectUnavailable(atFake(strict), says: "no encryption")
        strict.close()
    }

    @Test("because it takes no changes is passed over for the next host, and refused where there is none")
    func readOnly() async throws {
        let desk = try await PostgreSQLDesk()
        let socketPath = TestDatabase.detour(of: desk.address, through: []).socketPath
        let proxy = try CuttingProxy(to: socketPath)
        let standby = try FakePostgreSQL.listen(reporting: ["in_hot_standby": "on"])
        let readOnly = try FakePostgreSQL.listen(reporting: ["default_transaction_read_only": "on"])
        let address = TestDatabase.detour(of: desk.address, through: [standby.port, readOnly.port, proxy.port]).address
        let database = Database(driver: try await TestDatabase.postgreSQL(at: address))
        try await database.write { try Notes.insert("to the primary", in: $0) }
        #expect(try await desk.texts == ["to the primary"])
        await expectUnavailable(atFake(standby), says: "session is read-only")
        await expectUnavailable(atFake(readOnly), says: "session is read-only")
        try database.close()
        for listener in [standby, readOnly] { listener.close() }
        proxy.close()
    }

    @Test(
        "is no address at all where the text is none",
        arguments: ["", "mysql://h/d", "postgres://h/d?sslmod=require", "postgres://[::1/d"])
    func address(text: String) {
        #expect(throws: PostgreSQLAddress.Malformed.self) { try PostgreSQLAddress(text) }
    }
}
