import Foundation
import LicenseClient
import LicenseToken

// license-check SETTINGS.json status|refresh|force   prints what is known as JSON; exit 0 usable, 1 not
// license-check SETTINGS.json status [--keys|--revocations|--license FILE]…   takes in what was carried here
// license-check SETTINGS.json verify < TOKEN         verifies one token offline
// SETTINGS.json is what an installer stores; "jwks" and "root" are paths of what is pinned, relative to it.

/// What an installer stores.
struct Settings: Decodable {
    let key: String
    let product: String
    let issuer: String?
    let jwks: String?
    let root: String?
    let servers: [String]
    let state: String
    let domain: String?
    let address: String?
    let installationID: String?
    let version: String?

    private enum CodingKeys: String, CodingKey {
        case key
        case product
        case issuer
        case jwks
        case root
        case servers
        case state
        case domain
        case address
        case installationID = "installation_id"
        case version
    }

    /// The settings in a file, with the pins read from the files they name.
    static func configuration(at path: String) throws -> LicenseClient.Configuration {
        let file = URL(fileURLWithPath: path)
        let settings = try JSONDecoder().decode(Settings.self, from: Data(contentsOf: file))
        let text: (String) throws -> String = { name in
            let data = try Data(contentsOf: URL(fileURLWithPath: name, relativeTo: file.deletingLastPathComponent()))
            return String(decoding: data, as: UTF8.self)
        }
        var configuration = LicenseClient.Configuration(
            licenseKey: settings.key, product: settings.product, issuer: settings.issuer,
            pinnedKeys: try settings.jwks.map(text), pinnedRoot: try settings.root.map(text), servers: settings.servers,
            cacheDirectory: settings.state, domain: settings.domain)
        configuration.address = settings.address
        configuration.installationID = settings.installationID
        configuration.applicationVersion = settings.version
        return configuration
    }
}

/// What is printed, under the names that our clients in all languages print.
struct Report: Encodable {
    let refresh: String?
    /// What became of each file that was carried here, under `keys_file` and the like.
    let carried: [(name: String, outcome: String)]
    let status: LicenseStatus

    private struct FileKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private enum CodingKeys: String, CodingKey {
        case refresh
        case state
        case usable
        case code
        case message
        case plan
        case features
        case tokenExpires = "token_expires"
        case licenseExpires = "license_expires"
        case nextCheck = "next_check"
        case keySet = "key_set"
        case revocations
        case warnings
    }

    func encode(to encoder: any Encoder) throws {
        var files = encoder.container(keyedBy: FileKey.self)
        for (name, outcome) in carried { try files.encode(outcome, forKey: FileKey(stringValue: "\(name)_file")) }
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encodeIfPresent(refresh, forKey: .refresh)
        try members.encode(status.state.rawValue, forKey: .state)
        try members.encode(status.isUsable, forKey: .usable)
        try members.encode(status.code, forKey: .code)
        try members.encode(status.message, forKey: .message)
        try members.encode(status.license?.licenseType, forKey: .plan)
        try members.encode(status.license?.features ?? [], forKey: .features)
        try members.encode(status.license?.expiresAt, forKey: .tokenExpires)
        try members.encode(status.license?.licenseExpiresAt, forKey: .licenseExpires)
        try members.encode(status.nextCheckAt, forKey: .nextCheck)
        try members.encode(status.keySetSequence, forKey: .keySet)
        try members.encode(status.revocationSequence, forKey: .revocations)
        try members.encode(status.warnings, forKey: .warnings)
    }
}

@main
enum LicenseCheck {
    /// For trying things out; the library itself reads the clock.
    static let clock: @Sendable () -> Int64 = {
        ProcessInfo.processInfo.environment["SIGNET_EXAMPLE_NOW"].flatMap { Int64($0) } ?? LicenseClient.systemClock()
    }

    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 2, arguments.count.isMultiple(of: 2),
            ["status", "refresh", "force", "verify"].contains(arguments[1])
        else { usage() }
        let configuration = try Settings.configuration(at: arguments[0])
        let client = LicenseClient(configuration, clock: clock)
        var carried: [(name: String, outcome: String)] = []
        for index in stride(from: 2, to: arguments.count, by: 2) {
            let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: arguments[index + 1])), as: UTF8.self)
            let name = String(arguments[index].drop { $0 == "-" })
            carried.append((name, await take(text, named: name, by: client)))
        }
        if arguments[1] == "verify" { exit(verify(by: client)) }
        let outcome = arguments[1] == "status" ? nil : await client.refreshIfDue(force: arguments[1] == "force")
        let status = client.status()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        let report = Report(refresh: outcome?.rawValue, carried: carried, status: status)
        print(String(decoding: try encoder.encode(report), as: UTF8.self))
        exit(status.isUsable ? 0 : 1)
    }

    static func usage() -> Never {
        let text = """
            usage: license-check SETTINGS.json status|refresh|force|verify [--keys|--revocations|--license FILE]

            """
        FileHandle.standardError.write(Data(text.utf8))
        exit(2)
    }

    /// What became of a text that was carried here, in one word.
    static func take(_ text: String, named name: String, by client: LicenseClient) async -> String {
        do throws(LicenseTokenError) {
            switch name {
            case "keys":
                guard client.configuration.pinnedRoot != nil else { return "no_root" }
                return try await client.adopt(keySet: text).rawValue
            case "revocations": return try await client.adopt(revocationList: text).rawValue
            case "license": return try await client.adopt(licenseFile: text).rawValue
            default: usage()
            }
        } catch {
            return error.code.rawValue
        }
    }

    /// Verifies the token on standard input. The exit code.
    static func verify(by client: LicenseClient) -> Int32 {
        let input = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
        do throws(LicenseTokenError) {
            _ = try client.verify(LicenseToken(input.trimmingCharacters(in: .whitespacesAndNewlines)))
            print("valid")
            return 0
        } catch {
            print(error.code.rawValue)
            return 1
        }
    }
}
