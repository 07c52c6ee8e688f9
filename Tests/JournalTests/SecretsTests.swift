import Database
import Journal
import Secrets
import TestSupport
import Testing

@Suite("The secrets of an installation")
struct SecretsTests {
    private let keys: TemporaryDirectory

    init() throws { keys = try TemporaryDirectory() }

    /// A new, empty database with the tables of the secrets.
    private func newDatabase() async throws -> Database {
        let database = try await TestDatabase.open()
        try await database.migrate(Secrets.migrations, at: ManualClock.start)
        return database
    }

    private func open(_ database: Database, in path: String? = nil) async throws -> Secrets {
        try await Secrets.open(SecretsDirectory(path: path ?? keys.path), database: database, at: ManualClock.start)
    }

    private func refusal(_ database: Database) async -> SecretsError? {
        await #expect(throws: SecretsError.self) { try await open(database) }
    }

    @Test("are made beside a new database, in files and a directory for their owner alone")
    func firstStart() async throws {
        let path = keys.path(of: "Keys")
        _ = try await open(newDatabase(), in: path)
        #expect(try keys.permissions(of: "Keys") == 0o700)
        for name in ["pepper-1", "data-1"] {
            #expect(try keys.permissions(of: "Keys/\(name)") == 0o600)
            let line = try keys.contents(of: "Keys/\(name)")
            #expect(line.count == 44 && line.last == UInt8(ascii: "\n"), "one line, base64url of 32 bytes")
        }
        #expect(
            try SecretsDirectory(path: path).names(prefix: "") == [".", "..", "data-1", "pepper-1"],
            "and nothing is left lying about")
    }

    @Test("are the same at the next start")
    func secondStart() async throws {
        let database = try await newDatabase()
        let first = try await open(database)
        let second = try await open(database)
        #expect(second.pepper.hash(.seat, [1]) == first.pepper.hash(.seat, [1]))
        #expect(second.dataKey.open(first.dataKey.seal([7], context: "x"), context: "x") == [7])
        #expect(try await database.read { try $0.count("SELECT count(*) FROM secrets") } == 2)
    }

    @Test("differ between installations")
    func different() async throws {
        let first = try await open(newDatabase())
        let second = try await open(newDatabase(), in: keys.path(of: "other"))
        #expect(first.pepper.hash(.seat, [1]) != second.pepper.hash(.seat, [1]))
        #expect(second.dataKey.open(first.dataKey.seal([7], context: "x"), context: "x") == nil)
    }

    @Test(
        "of a first start that was killed half-way are taken over by the next one", arguments: ["pepper-1", "data-1"])
    func halfMade(name: String) async throws {
        let secret = [UInt8](repeating: 0x5A, count: 32)
        try SecretsDirectory(path: keys.path).create(name, secret)
        try keys.write("half a line", to: "data-1.new")
        let before = try keys.contents(of: name)
        let database = try await newDatabase()
        _ = try await open(database)
        _ = try await open(database)
        #expect(try keys.contents(of: name) == before)
    }

    @Test("beside a database that was made with them are never made anew", arguments: ["pepper-1", "data-1"])
    func missing(name: String) async throws {
        let database = try await newDatabase()
        _ = try await open(database)
        try keys.remove(name)
        let error = await refusal(database)
        #expect(error == .missing(path: keys.path(of: name)))
        #expect(error?.description.contains(keys.path(of: name)) == true)
        #expect(try !keys.names.contains(name))
    }

    @Test("of another installation stop the start", arguments: ["pepper-1", "data-1"])
    func wrong(name: String) async throws {
        let database = try await newDatabase()
        _ = try await open(database)
        try keys.remove(name)
        try SecretsDirectory(path: keys.path).create(name, [UInt8](repeating: 1, count: 32))
        let error = await refusal(database)
        #expect(error == .wrong(path: keys.path(of: name)))
        #expect(error?.description.contains(keys.path(of: name)) == true)
    }

    @Test(
        "that others may read stop the start", arguments: ["pepper-1", "data-1"], [0o604, 0o640, 0o644, 0o620, 0o601])
    func readableByOthers(name: String, permissions: Int) async throws {
        let database = try await newDatabase()
        _ = try await open(database)
        try keys.setPermissions(permissions, of: name)
        let error = await refusal(database)
        #expect(error == .readableByOthers(path: keys.path(of: name)))
        #expect(error?.description.contains("chmod 600 \(keys.path(of: name))") == true)
    }

    @Test(
        "that are not one line of 32 bytes stop the start",
        arguments: [
            "", "\n", "AAAA\n", String(repeating: "A", count: 43), String(repeating: "A", count: 43) + "=\n",
            String(repeating: "A", count: 42) + "B\n", String(repeating: "A", count: 43) + "\n\n",
            " " + String(repeating: "A", count: 43) + "\n", String(repeating: "A", count: 44) + "\n",
            String(repeating: "A", count: 300) + "\n",
        ])
    func malformed(text: String) async throws {
        let database = try await newDatabase()
        _ = try await open(database)
        try keys.remove("data-1")
        try keys.write(text, to: "data-1")
        #expect(await refusal(database) == .malformed(path: keys.path(of: "data-1")))
    }

    @Test("are not read through a link")
    func symbolicLink() async throws {
        let database = try await newDatabase()
        _ = try await open(database)
        try keys.rename("data-1", to: "elsewhere")
        try keys.link("data-1", to: "elsewhere")
        guard case .unreadable(let path, _) = await refusal(database) else {
            Issue.record("it was read")
            return
        }
        #expect(path == keys.path(of: "data-1"))
    }

    @Test("are never replaced by a new one")
    func neverReplaced() throws {
        let directory = SecretsDirectory(path: keys.path)
        try directory.create("pepper-1", [UInt8](repeating: 1, count: 32))
        #expect(throws: SecretsError.self) { try directory.create("pepper-1", [UInt8](repeating: 2, count: 32)) }
        #expect(try directory.read("pepper-1") == [UInt8](repeating: 1, count: 32))
        #expect(try keys.names == ["pepper-1"], "no half-made file stays behind")
    }

    @Test("that cannot be written are named")
    func unwritable() throws {
        try keys.write("a file", to: "file")
        let error = #expect(throws: SecretsError.self) {
            try SecretsDirectory(path: keys.path(of: "file")).create("pepper-1", [UInt8](repeating: 1, count: 32))
        }
        guard case .unwritable(let path, _) = error else {
            Issue.record("not unwritable: \(String(describing: error))")
            return
        }
        #expect(path.hasPrefix(keys.path(of: "file")))
    }

    @Test("print as stars")
    func silence() async throws {
        let secrets = try await open(newDatabase())
        for name in ["pepper-1", "data-1"] {
            let text = String(decoding: try keys.contents(of: name).dropLast(), as: UTF8.self)
            for printed in ["\(secrets.pepper)", "\(secrets.dataKey)", "\(secrets)"] {
                #expect(!printed.contains(text))
            }
        }
        #expect("\(secrets.pepper)" == "pepper-1 ***")
    }
}
