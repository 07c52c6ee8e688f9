import Database
import Foundation
import Licensing
import Logging
import Primitives
import Secrets
import Yams

/// Why the settings cannot be used: all that is wrong with them, at once.
package struct SettingsError: Error, Equatable, CustomStringConvertible {
    package let problems: [String]

    package var description: String {
        "the settings cannot be used:" + problems.map { "\n  - \($0)" }.joined()
    }
}

/// Puts the settings together: flags before environment before file before defaults.
package struct SettingsReader {
    /// One setting: its name as a key of the file and a flag, and how its text is taken.
    private struct Key: Sendable {
        let name: String
        /// What would be accepted.
        let expects: String
        /// Texts that begin so may hold a secret, which no message repeats.
        var secretPrefixes: [String] = []
        /// Stores the value; false when the text is none.
        let apply: @Sendable (inout Settings, String) -> Bool

        var environmentName: String { "SIGNET_" + name.uppercased().replacingOccurrences(of: "-", with: "_") }
    }

    package static let defaultFile = "Config/signet.yaml"
    private static let connectionsRange = 1...1_000_000

    private static let keys = [
        Key(name: "listen", expects: "ADDRESS:PORT, an IPv6 address in brackets") { settings, text in
            Listening.parse(text).map { settings.listen = $0 } != nil
        },
        Key(name: "listen-admin", expects: "ADDRESS:PORT, an IPv6 address in brackets, or none") { settings, text in
            settings.listenAdmin = Listening.parse(text)
            return settings.listenAdmin != nil || text == "none"
        },
        Key(name: "data", expects: "a path") { settings, text in
            settings.data = text
            return !text.isEmpty
        },
        Key(name: "keys", expects: "a path") { settings, text in
            settings.keys = text
            return !text.isEmpty
        },
        Key(name: "keys-passphrase-file", expects: "a path") { settings, text in
            settings.keysPassphraseFile = text
            return !text.isEmpty
        },
        Key(
            name: "database", expects: "sqlite:PATH or postgres://USER@HOST:PORT/NAME, with parameters of libpq",
            secretPrefixes: PostgreSQLAddress.schemes
        ) { settings, text in
            settings.database = Locating.parse(text) ?? settings.database
            return Locating.parse(text) != nil
        },
        number("database-connections-max", in: 2...1_000, \.databaseConnectionsMax),
        Key(name: "issuer", expects: "1 to 255 characters") { settings, text in
            settings.issuer = text
            return (1...255).contains(text.count)
        },
        Key(name: "default-product", expects: "a product code") { settings, text in
            settings.defaultProduct = text
            return Slug(text) != nil
        },
        Key(name: "trusted-proxies", expects: "networks in CIDR notation") { settings, text in
            let parts = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            let ranges = parts.compactMap { AddressRange($0) }
            settings.trustedProxies = ranges
            return ranges.count == parts.count
        },
        number("connections-max", in: connectionsRange, \.connectionsMax),
        number("connections-per-client-max", in: connectionsRange, \.connectionsPerClientMax),
        number("connections-per-proxy-max", in: connectionsRange, \.connectionsPerProxyMax),
        number("write-queue-max", in: connectionsRange, \.writeQueueMax),
        number("guesses-per-client-max", in: 0...connectionsRange.upperBound, \.guessesPerClientMax),
        Key(name: "log-level", expects: "one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))") {
            settings, text in
            Logger.Level(rawValue: text).map { settings.logLevel = $0 } != nil
        },
    ]

    private static func number(
        _ name: String, in range: ClosedRange<Int>, _ path: any WritableKeyPath<Settings, Int> & Sendable
    ) -> Key {
        Key(name: name, expects: "a number from \(range.lowerBound) to \(range.upperBound)") { settings, text in
            guard let number = Int(text), range.contains(number) else { return false }
            settings[keyPath: path] = number
            return true
        }
    }

    private var settings = Settings()
    private var problems: [String] = []

    /// The settings from `flags` (by setting name), `environment` and the file at `configPath`, which must exist; nil
    /// takes `Config/signet.yaml` when it is there. Throws `SettingsError`.
    package static func read(
        flags: [String: String], environment: [String: String], configPath: String?
    ) throws(SettingsError) -> Settings {
        var reader = SettingsReader()
        let file = reader.fileValues(configPath ?? environment["SIGNET_CONFIG"])
        for key in keys { reader.take(key, flags: flags, environment: environment, file: file) }
        reader.takePassphrase(environment)
        guard reader.problems.isEmpty else { throw SettingsError(problems: reader.problems) }
        return reader.settings
    }

    private mutating func take(
        _ key: Key, flags: [String: String], environment: [String: String], file: [String: String]
    ) {
        let sources = [
            (flags[key.name], "--\(key.name)"), (environment[key.environmentName], key.environmentName),
            (file[key.name], "\(key.name) in the configuration file"),
        ]
        guard let (text, source) = sources.lazy.compactMap({ text, source in text.map { ($0, source) } }).first
        else { return }
        if !key.apply(&settings, text) {
            let value = key.secretPrefixes.contains(where: text.hasPrefix) ? "no such address" : "\"\(text)\""
            problems.append("\(source) is \(value); it must be \(key.expects)")
        }
    }

    /// The passphrase itself is never a flag, which every user of the machine can read, nor in the configuration file.
    private mutating func takePassphrase(_ environment: [String: String]) {
        let variable = "SIGNET_KEYS_PASSPHRASE"
        do throws(Passphrase.Failure) {
            if let path = settings.keysPassphraseFile {
                settings.keysPassphrase = try Passphrase(fileAt: path)
            } else if let text = environment[variable] {
                settings.keysPassphrase = try Passphrase(text)
            }
        } catch {
            problems.append("\(settings.keysPassphraseFile == nil ? variable : "keys-passphrase-file"): \(error)")
        }
    }

    /// The values of the file as text. A file that was named must be there; the default one need not.
    private mutating func fileValues(_ named: String?) -> [String: String] {
        let path = named ?? Self.defaultFile
        guard let data = FileManager.default.contents(atPath: path) else {
            if named != nil { problems.append("the configuration file \(path) cannot be read") }
            return [:]
        }
        do {
            let values = try Yams.load(yaml: String(decoding: data, as: UTF8.self))
            guard let values else { return [:] }
            guard let mapping = values as? [String: Any] else {
                problems.append("\(path) must be a list of `key: value` lines")
                return [:]
            }
            return texts(of: mapping, path)
        } catch {
            problems.append("\(path) is no YAML: \(error)")
            return [:]
        }
    }

    private mutating func texts(of mapping: [String: Any], _ path: String) -> [String: String] {
        var texts: [String: String] = [:]
        for (name, value) in mapping.sorted(by: { $0.key < $1.key }) {
            if !Self.keys.contains(where: { $0.name == name }) {
                problems.append("\(path) has the unknown key \"\(name)\"")
            } else if let list = value as? [Any] {
                texts[name] = list.map { "\($0)" }.joined(separator: ",")
            } else {
                texts[name] = "\(value)"
            }
        }
        return texts
    }
}

private enum Locating {
    private static let sqlite = "sqlite:"

    static func parse(_ text: String) -> Settings.Storage? {
        if text.hasPrefix(sqlite), text.count > sqlite.count {
            return .sqlite(path: String(text.dropFirst(sqlite.count)))
        }
        // Why an address is none is told by the message, which repeats nothing of it.
        return (try? PostgreSQLAddress(text)).map { .postgreSQL($0) }
    }
}

private enum Listening {
    static func parse(_ text: String) -> Settings.Listen? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { return bracketed(host.dropFirst().dropLast(), port) }
        guard !host.isEmpty, !host.contains(":") else { return nil }
        return Settings.Listen(host: String(host), port: port)
    }

    private static func bracketed(_ host: Substring, _ port: Int) -> Settings.Listen? {
        guard let address = CanonicalAddress(String(host)), !address.isIPv4 else { return nil }
        return Settings.Listen(host: String(host), port: port)
    }
}
