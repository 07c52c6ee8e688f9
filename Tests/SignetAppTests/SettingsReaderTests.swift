import Foundation
import Licensing
import Logging
import TestSupport
import Testing

@testable import SignetApp

/// The settings out of the three sources, the file given as text.
private func read(
    flags: [String: String] = [:], environment: [String: String] = [:], file: String = ""
) throws -> Settings {
    let directory = try TemporaryDirectory()
    try directory.write(file, to: "signet.yaml")
    return try SettingsReader.read(
        flags: flags, environment: environment, configPath: directory.path(of: "signet.yaml"))
}

private func problems(
    flags: [String: String] = [:], environment: [String: String] = [:], file: String = ""
) throws -> [String] {
    do {
        _ = try read(flags: flags, environment: environment, file: file)
        return []
    } catch let error as SettingsError {
        return error.problems
    }
}

/// One setting: a text that is not its default, and what it makes of the settings.
private struct Key: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let applied: @Sendable (inout Settings) -> Void

    var testDescription: String { name }
    var environmentName: String { "SIGNET_" + name.uppercased().replacing("-", with: "_") }

    static let all: [Key] = [
        Key(name: "listen", text: "0.0.0.0:9000") { $0.listen = .init(host: "0.0.0.0", port: 9000) },
        Key(name: "listen-admin", text: "[::1]:9001") { $0.listenAdmin = .init(host: "::1", port: 9001) },
        Key(name: "data", text: "elsewhere") { $0.data = "elsewhere" },
        Key(name: "keys", text: "secrets") { $0.keys = "secrets" },
        Key(name: "database", text: "sqlite:other/file.db") { $0.database = .sqlite(path: "other/file.db") },
        Key(name: "database-connections-max", text: "20") { $0.databaseConnectionsMax = 20 },
        Key(name: "issuer", text: "https://vendor.example") { $0.issuer = "https://vendor.example" },
        Key(name: "default-product", text: "whm-panel") { $0.defaultProduct = "whm-panel" },
        Key(name: "trusted-proxies", text: "10.0.0.0/8,fd00::/8") { settings in
            settings.trustedProxies = ["10.0.0.0/8", "fd00::/8"].compactMap { AddressRange($0) }
        },
        Key(name: "connections-max", text: "7") { $0.connectionsMax = 7 },
        Key(name: "connections-per-client-max", text: "8") { $0.connectionsPerClientMax = 8 },
        Key(name: "connections-per-proxy-max", text: "9") { $0.connectionsPerProxyMax = 9 },
        Key(name: "write-queue-max", text: "10") { $0.writeQueueMax = 10 },
        Key(name: "guesses-per-client-max", text: "0") { $0.guessesPerClientMax = 0 },
        Key(name: "log-level", text: "debug") { $0.logLevel = .debug },
    ]
}

@Suite("The settings")
struct SettingsReaderTests {
    @Test("are the defaults when nothing says otherwise")
    func defaults() throws {
        let settings = try read()
        #expect(!settings.isShared)
        #expect(settings == Settings())
        #expect(settings.listen.description == "127.0.0.1:8080")
        #expect(settings.sqlitePath == "data/signet.db")
        #expect(settings.lockPath == "data/signet.lock")
        #expect(settings.socketPath == "data/signet.sock")
        #expect(settings.issuer == "signet")
        #expect(settings.connectionsMax == 20_000)
        #expect(settings.connectionsPerClientMax == 256)
        #expect(settings.connectionsPerProxyMax == 2048)
    }

    @Test("take each key from each source", arguments: Key.all)
    private func everySource(key: Key) throws {
        var expected = Settings()
        key.applied(&expected)
        #expect(expected != Settings())
        #expect(try read(flags: [key.name: key.text]) == expected)
        #expect(try read(environment: [key.environmentName: key.text]) == expected)
        #expect(try read(file: "\(key.name): \"\(key.text)\"") == expected)
    }

    @Test("prefer a flag to the environment and the environment to the file", arguments: Key.all)
    private func precedence(key: Key) throws {
        var expected = Settings()
        key.applied(&expected)
        let other = "\(key.name): no such thing"
        #expect(try read(flags: [key.name: key.text], environment: [key.environmentName: ""], file: other) == expected)
        #expect(try read(environment: [key.environmentName: key.text], file: other) == expected)
    }

    @Test("fall back source by source, not all at once")
    func mixedSources() throws {
        let settings = try read(
            flags: ["issuer": "flag"], environment: ["SIGNET_ISSUER": "environment", "SIGNET_DATA": "environment"],
            file: "issuer: file\ndata: file\nkeys: file")
        #expect([settings.issuer, settings.data, settings.keys] == ["flag", "environment", "file"])
    }

    @Test("are refused with everything that is wrong at once, each with its source")
    func allProblems() throws {
        let found = try problems(
            flags: ["listen": "nowhere"], environment: ["SIGNET_LOG_LEVEL": "loud", "SIGNET_CONNECTIONS_MAX": "0"],
            file: "write-queue-max: many\nlisten: 1.2.3.4:80\nunheard-of: 1\nanother: 2")
        #expect(found.count == 6)
        let parts = [
            "unknown key \"another\"", "unknown key \"unheard-of\"", "--listen is \"nowhere\"",
            "SIGNET_LOG_LEVEL is \"loud\"", "SIGNET_CONNECTIONS_MAX is \"0\"",
            "write-queue-max in the configuration file",
        ]
        for part in parts { #expect(found.contains { $0.contains(part) }, "\(part)") }
        #expect(SettingsError(problems: found).description.components(separatedBy: "\n  - ").count == 7)
    }

    @Test("name a server of databases by its address, and show its password nowhere")
    func server() throws {
        let address = "postgres://signet:s3cret@10.0.0.1:5432,10.0.0.2:5433/signet?sslmode=verify-full"
        let settings = try read(flags: ["database": address])
        #expect(settings.isShared)
        #expect(settings.databaseName == "postgres://signet@10.0.0.1:5432,10.0.0.2:5433/signet")
        let wrong = try problems(environment: ["SIGNET_DATABASE": "postgres://signet:s3cret@10.0.0.1:5432/x?color=red"])
        #expect(wrong.count == 1 && wrong[0].contains("SIGNET_DATABASE"))
        #expect(!wrong[0].contains("s3cret"))
    }

    @Test(
        "are refused by name out of their range",
        arguments: [
            ("listen", ""), ("listen", "8080"), ("listen", ":8080"), ("listen", "127.0.0.1"), ("listen", "127.0.0.1:"),
            ("listen", "127.0.0.1:65536"), ("listen", "127.0.0.1:-1"), ("listen", "127.0.0.1:80:90"),
            ("listen", "::1:8080"),
            ("listen", "[::1]"), ("listen", "[127.0.0.1]:80"), ("listen", "[]:80"), ("listen", "[::g]:80"),
            ("listen", "[::1:80"), ("listen", "127.0.0.1:80 "),
            ("data", ""), ("keys", ""), ("database", "signet.db"), ("database", "sqlite:"),
            ("database", "mysql://db/x"), ("database", "postgres:/db/x"),
            ("database-connections-max", "1"), ("database-connections-max", "1001"),
            ("issuer", ""), ("issuer", String(repeating: "i", count: 256)), ("default-product", ""),
            ("default-product", "WHM Panel"), ("trusted-proxies", "10.0.0.1/8"), ("trusted-proxies", "10.0.0.0/33"),
            ("trusted-proxies", "10.0.0.0/8,proxy.example"), ("trusted-proxies", "::ffff:10.0.0.1"),
            ("connections-max", "0"), ("connections-max", "1000001"), ("connections-max", "ten"),
            ("connections-max", "1.5"),
            ("connections-per-client-max", "0"), ("connections-per-client-max", "-1"),
            ("connections-per-proxy-max", "0"),
            ("connections-per-proxy-max", "99999999999999999999"), ("write-queue-max", "0"),
            ("write-queue-max", "1000001"),
            ("listen-admin", ""), ("listen-admin", "off"), ("guesses-per-client-max", "-1"),
            ("guesses-per-client-max", "1000001"), ("log-level", ""), ("log-level", "INFO"), ("log-level", "verbose"),
        ])
    func ranges(name: String, text: String) throws {
        let found = try problems(flags: [name: text])
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("--\(name) is \"\(text)\"; it must be ") == true)
    }

    @Test(
        "take the ends of their ranges",
        arguments: [
            ("listen", "127.0.0.1:0"), ("listen", "127.0.0.1:65535"), ("listen", "[::1]:8080"), ("listen", "[::]:0"),
            ("listen", "localhost:80"), ("issuer", "i"), ("issuer", String(repeating: "i", count: 255)),
            ("connections-max", "1"), ("connections-max", "1000000"), ("write-queue-max", "1"),
            ("write-queue-max", "1000000"),
            ("connections-per-client-max", "1"), ("connections-per-proxy-max", "1000000"),
            ("trusted-proxies", "10.0.0.1"),
            ("trusted-proxies", "::/0"), ("trusted-proxies", "0.0.0.0/0, fd00::/8"), ("log-level", "trace"),
            ("log-level", "critical"), ("trusted-proxies", ""),
            ("listen-admin", "none"), ("guesses-per-client-max", "1000000"),
        ])
    func endsOfRanges(name: String, text: String) throws {
        #expect(try problems(flags: [name: text]).isEmpty)
    }

    @Test("write an IPv6 address in brackets again")
    func listenText() throws {
        #expect(try read(flags: ["listen": "[::1]:8080"]).listen == .init(host: "::1", port: 8080))
        #expect(try read(flags: ["listen": "[::1]:8080"]).listen.description == "[::1]:8080")
    }

    @Test(
        "put lock and socket beside the database, wherever that is",
        arguments: [
            ("sqlite:/srv/signet/live.db", "/srv/signet"), ("sqlite:live.db", "."), ("sqlite:/live.db", "/"),
            ("sqlite:a/b/live.db", "a/b"),
        ])
    func stateDirectory(database: String, directory: String) throws {
        let settings = try read(flags: ["database": database, "data": "unused"])
        #expect(settings.stateDirectory == directory)
        #expect(settings.sqlitePath == String(database.dropFirst("sqlite:".count)))
    }

    @Test("read lists and plain values of YAML alike")
    func yamlForms() throws {
        let ranges = ["10.0.0.0/8", "fd00::/8"].compactMap { AddressRange($0) }
        for text in ["[10.0.0.0/8, \"fd00::/8\"]", "\n  - 10.0.0.0/8\n  - fd00::/8", "10.0.0.0/8, fd00::/8"] {
            #expect(try read(file: "trusted-proxies: \(text)").trustedProxies == ranges)
        }
        #expect(try read(file: "connections-max: 12\nissuer: 12").connectionsMax == 12)
        #expect(try read(file: "issuer: 12").issuer == "12")
        #expect(try read(file: "# nothing\n") == Settings())
    }

    @Test(
        "are refused when the file is no list of keys and values",
        arguments: [
            "just text", "- a\n- b", "listen: [", "listen: 127.0.0.1:80\nlisten: 127.0.0.1:81", "a: b: c",
            "\tlisten: x",
            "42",
        ])
    func noMapping(file: String) throws {
        #expect(try problems(file: file).count == 1)
    }

    @Test("need the file that was named, by flag or environment, and no other")
    func missingFile() throws {
        let directory = try TemporaryDirectory()
        let missing = directory.path(of: "missing.yaml")
        for (path, environment) in [(missing, [:]), (nil, ["SIGNET_CONFIG": missing])] as [(String?, [String: String])]
        {
            let error = #expect(throws: SettingsError.self) {
                try SettingsReader.read(flags: [:], environment: environment, configPath: path)
            }
            #expect(error?.problems == ["the configuration file \(missing) cannot be read"])
        }
        try directory.write("issuer: named", to: "named.yaml")
        let named = directory.path(of: "named.yaml")
        #expect(
            try SettingsReader.read(flags: [:], environment: ["SIGNET_CONFIG": named], configPath: nil).issuer
                == "named")
        let both = try SettingsReader.read(flags: [:], environment: ["SIGNET_CONFIG": missing], configPath: named)
        #expect(both.issuer == "named")
    }
}

@Suite("The configuration file of the repository")
struct ConfigurationFileTests {
    private static func text() throws -> String {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Config/signet.yaml").standardizedFileURL
        return try String(contentsOf: file, encoding: .utf8)
    }

    /// The lines `# key: value`.
    private static func examples() throws -> [(key: String, line: String)] {
        try text().split(separator: "\n").compactMap { line in
            line.wholeMatch(of: #/# ([a-z-]+): .+/#).map { (String($0.1), String(line.dropFirst(2))) }
        }.filter { Key.all.map(\.name).contains($0.key) }
    }

    @Test("is exactly the defaults")
    func defaults() throws {
        #expect(try read(file: Self.text()) == Settings())
    }

    @Test("shows every key once, with a value that would be taken")
    func examples() throws {
        let examples = try Self.examples()
        #expect(examples.map(\.key).sorted() == Key.all.map(\.name).sorted())
        for (key, line) in examples { #expect(try problems(file: line).isEmpty, "\(key)") }
    }

    @Test("shows the defaults where there are any")
    func exampleValues() throws {
        let withoutDefault: Set = ["database", "default-product", "trusted-proxies"]
        let lines = try Self.examples().filter { !withoutDefault.contains($0.key) }.map(\.line)
        #expect(try read(file: lines.joined(separator: "\n")) == Settings())
    }
}
