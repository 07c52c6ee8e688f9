import Customers
import Database
import Foundation
import Journal
import Licensing
import Logging
import Primitives
import TestSupport
import Testing

@testable import SignetApp

/// A data directory and a keys directory of one test, and the settings for them.
struct Home: Sendable {
    let directory: TemporaryDirectory
    let settings: Settings

    init() throws {
        directory = try TemporaryDirectory()
        var settings = Settings()
        settings.data = directory.path(of: "data")
        settings.keys = directory.path(of: "keys")
        settings.listen = .init(host: "127.0.0.1", port: 0)
        settings.listenAdmin = .init(host: "127.0.0.1", port: 0)
        self.settings = settings
    }

    /// Says nothing short of the worst. Not the handler of swift-log that does nothing: it forgets the request's id.
    static var logger: Logger {
        var logger = Logger(label: "test", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .critical
        return logger
    }

    func open(clock: any WallClock = ManualClock()) async throws -> Signet {
        try await Signet.open(settings, command: "the test", clock: clock, logger: Self.logger)
    }
}

@Suite("The application")
struct SignetTests {
    @Test("makes its directories for its owner only, and its files in them")
    func layout() async throws {
        let home = try Home()
        let signet = try await home.open()
        #expect(try home.directory.permissions(of: "data") == 0o700)
        #expect(try home.directory.permissions(of: "keys") == 0o700)
        let files = try FileManager.default.contentsOfDirectory(atPath: home.settings.keys).sorted()
        #expect(files.map { $0.prefix { $0 != "-" } } == ["data", "pepper", "signing", "signing"])
        for file in files { #expect(try home.directory.permissions(of: "keys/\(file)") == 0o600) }
        let lock = String(decoding: try home.directory.contents(of: "data/signet.lock"), as: UTF8.self)
        #expect(lock == "process \(ProcessInfo.processInfo.processIdentifier) (the test)\n")
        try await signet.close()
        #expect(try home.directory.contents(of: "data/signet.lock").isEmpty)
    }

    @Test("refuses to open what another holds, and names it")
    func held() async throws {
        let home = try Home()
        let signet = try await home.open()
        let held = await #expect(throws: DataDirectoryLock.Held.self) { try await home.open() }
        #expect(held?.path == home.settings.lockPath)
        #expect(held?.holder == "process \(ProcessInfo.processInfo.processIdentifier) (the test)")
        try await signet.close()
        try await home.open().close()
    }

    @Test("finds every seat and its last use again, and the same keys")
    func reopening() async throws {
        let home = try Home()
        let clock = ManualClock()
        var signet = try await home.open(clock: clock)
        let key = try #require(try await DemoData.load(into: signet))
        let first = try await Self.validate(key, signet)
        #expect(first.verdict == .valid)
        let document = signet.licensing.keys.document(at: clock.now())
        clock.advance(by: .minutes(10))
        #expect(try await Self.validate(key, signet).verdict == .valid)
        try await signet.close()
        signet = try await home.open(clock: clock)
        #expect(signet.licensing.keys.document(at: clock.now()) == document)
        let license = try #require(try await signet.licensing.key(typed: key.text, member: "key")).license
        let lastSeen = try await signet.licensing.activations(of: license).map(\.lastSeen)
        #expect(lastSeen == [clock.now()])
        clock.advance(by: .minutes(10))
        let again = try await Self.validate(key, signet)
        #expect(again.verdict == .valid)
        #expect(again.seat?.place?.activation == first.seat?.place?.activation)
        #expect(again.seat?.place?.firstSeen == first.seat?.place?.firstSeen)
        #expect(try await Self.validate(key, signet, domain: "example.org").verdict == .activationLimit)
        let seat = try #require(try await signet.licensing.activations(of: license).first)
        #expect(seat.lastSeen == clock.now())
        try await signet.close()
    }

    @Test("lets the directory go when it cannot start", arguments: ["signing", "pepper", "data"])
    func missingSecret(prefix: String) async throws {
        let home = try Home()
        try await home.open().close()
        let files = try FileManager.default.contentsOfDirectory(atPath: home.settings.keys)
        let file = try #require(files.first { $0.hasPrefix(prefix) })
        try home.directory.rename("keys/\(file)", to: "aside")
        for _ in 1...2 {
            let error = await #expect(throws: (any Error).self) { try await home.open() }
            #expect(error.map { "\($0)".contains(file) } == true, "names the file")
        }
        try home.directory.rename("aside", to: "keys/\(file)")
        try await home.open().close()
    }

    @Test("does not take another program's file for its database")
    func foreignFile() async throws {
        let home = try Home()
        try FileManager.default.createDirectory(atPath: home.settings.data, withIntermediateDirectories: true)
        let text = String(repeating: "not a database. ", count: 100)
        try home.directory.write(text, to: "data/signet.db")
        let error = await #expect(throws: StartFailure.self) { try await home.open() }
        #expect(error?.database == home.settings.sqlitePath)
        #expect(try home.directory.contents(of: "data/signet.db") == Array(text.utf8))
    }

    static func validate(
        _ key: LicenseKey, _ signet: Signet, domain: String = "example.com"
    ) async throws -> ValidationAnswer {
        let address = try #require(CanonicalAddress("8.8.4.4"))
        let installation = Installation(
            domain: try CanonicalDomain(domain), installationID: nil, address: address, peer: nil)
        let request = ValidationRequest(
            licenseKey: key.text, installation: installation, product: nil, nonce: nil, activates: true)
        let provenance = Provenance(actor: "installation", requestID: "req-1", at: signet.clock.now())
        return try await signet.licensing.validator.answer(request, by: provenance)
    }
}

@Suite("The demonstration")
struct DemoDataTests {
    @Test("is the guide's license, made once")
    func idempotent() async throws {
        let home = try Home()
        var signet = try await home.open()
        let key = try #require(try await DemoData.load(into: signet))
        #expect(try await DemoData.load(into: signet) == key)
        try await signet.close()
        signet = try await home.open()
        #expect(try await DemoData.load(into: signet) == key)
        let page = try #require(Page())
        #expect(try await signet.licensing.licenses(LicenseFilter(), page, at: signet.clock.now()).total == 1)
        #expect(try await signet.licensing.products(page).total == 1)
        #expect(try await signet.licensing.customers(page).items.map(\.id.rawValue) == [123])
        let id = try #require(try await signet.licensing.key(typed: key.text, member: "key")).license
        let license = try #require(try await signet.licensing.license(id))
        #expect(license.productCode.text == "whm-panel")
        #expect(license.license.policy.licenseType.text == "professional")
        #expect(license.license.policy.features.map(\.text) == ["whm", "billing", "support"])
        #expect(license.license.policy.maxActivations == 1)
        #expect(license.license.expiresAt == ManualClock.start.date.adding(days: 365).end)
        try await signet.close()
    }

    @Test("is asked for with a line that a shell and JSON understand", arguments: ["127.0.0.1", "::1"])
    func curlCommand(host: String) async throws {
        var generator = SeededGenerator(seed: 1)
        let key = LicenseKey(using: &generator)
        let command = DemoData.curlCommand(key, listen: .init(host: host, port: 8080))
        let words = try Self.shellWords(command.replacing("curl ", with: "printf '%s\\n' ", maxReplacements: 1))
        #expect(words.first == "-s")
        #expect(words.contains { URL(string: $0)?.path == "/api/v1/installer/validate" })
        #expect(
            words.contains(
                host == "::1"
                    ? "http://[::1]:8080/api/v1/installer/validate" : "http://127.0.0.1:8080/api/v1/installer/validate")
        )
        #expect(words.contains("Content-Type: application/json"))
        let last = try #require(words.last)
        let body = try #require(try JSONReader.read(last.utf8).objectValue)
        #expect(body["license_key"] == .string(key.text))
        #expect(body["domain"] == .string("example.com"))
        #expect(body["ip_address"] == .string("192.168.1.100"))
    }

    /// The words that a shell makes of a command which prints them.
    private static func shellWords(_ command: String) throws -> [String] {
        let shell = Process()
        let output = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", command]
        shell.standardOutput = output
        try shell.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        return text.split(separator: "\n").map(String.init)
    }
}
