import ArgumentParser
import Foundation
import Primitives
import SignetApp

/// What `license generate` hands out.
enum LicenseFormat: String, ExpressibleByArgument, CaseIterable {
    case key
    case offline
    case file
}

struct LicenseFileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "file", abstract: "Issues a license file for an installation without a network.",
        discussion: "Takes a seat until the file ends. With --request it answers what the installation printed.")

    @Argument(help: "The license key or id (lic_…).")
    var license: String

    @Option(help: "The installation's domain.")
    var domain: String?

    @Option(help: "The installation's address. (default: the file names none)")
    var ip: String?

    @Option(name: .customLong("installation-id"), help: "The installation's own identifier.")
    var installationID: String?

    @Option(help: "The installation's request, SIGNET-REQUEST-1.….")
    var request: String?

    @Option(parsing: .unconditional, help: "Days that the file lasts, 1 to 366; never longer than license and grace.")
    var days: Int

    @Option(help: "Write the file here. (default: print it)")
    var output: String?

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        let isNamed = domain != nil || installationID != nil
        guard isNamed != (request != nil) else {
            throw ValidationError("Say the installation with --domain or --installation-id, or give its --request.")
        }
        if request != nil, ip != nil { throw ValidationError("The request says the address; leave --ip out.") }
    }

    func run() async throws {
        let body = OfflineBodies.file(
            domain: domain, ip: ip, installationID: installationID, request: request, days: days, change)
        let answer = try await options.withClient { client in
            let id = try await client.licenseID(license)
            return try await client.post("/api/v1/licenses/\(id.urlSegment)/files", body).required()
        }
        try OfflinePrinting.file(answer, output: output, options)
        change.remind()
    }
}

struct LicenseOfflineKey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "offline-key",
        abstract: "Issues an offline key (LK1-…), which software verifies without a network.")

    @Argument(help: "The license key or id (lic_…).")
    var license: String

    @Option(help: "Bind it to this domain.")
    var domain: String?

    @Option(name: .customLong("installation-id"), help: "Bind it to this installation.")
    var installationID: String?

    @Flag(help: "Bind it to nothing: it works wherever it is typed.")
    var unbound = false

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws { try OfflineBodies.checkBinding(domain, installationID, unbound) }

    func run() async throws {
        let body = OfflineBodies.key(domain: domain, installationID: installationID, unbound: unbound, change)
        let answer = try await options.withClient { client in
            let id = try await client.licenseID(license)
            return try await client.post("/api/v1/licenses/\(id.urlSegment)/offline-keys", body).required()
        }
        OfflinePrinting.key(answer, options)
        change.remind()
    }
}

struct ProductCodesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codes", abstract: "Shows the numbers of types and features in offline keys.",
        discussion: "Ship the result with the software. Numbers are only ever added.")

    @Argument(help: "The product's code.")
    var code: String

    @Flag(help: "Give the product's type and features numbers, and those named here.")
    var add = false

    @Option(help: "With --add: license types, separated by commas. (default: the product's)")
    var types: String?

    @Option(help: "With --add: features, separated by commas. (default: the product's)")
    var features: String?

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let path = "/api/v1/products/\(code.urlSegment)/codes"
        let body = JSONWriter.object { json in
            json.member("types", list: types)
            json.member("features", list: features)
            change.write(to: &json)
        }
        let answer = try await options.withClient {
            try await add ? $0.post(path, body).required() : $0.get(path).required()
        }
        // One form for people and programs: it is the file to ship.
        Output.json(answer.body)
        change.remind()
    }
}

// MARK: - With license generate

/// What `license generate --format offline|file` takes besides.
struct OfflineIssueOptions: ParsableArguments {
    @Option(name: .customLong("installation-id"), help: "With --format: the installation that it is for.")
    var installationID: String?

    @Flag(help: "With --format offline: bind the key to nothing.")
    var unbound = false

    @Option(parsing: .unconditional, help: "With --format file: days that the file lasts, 1 to 366.")
    var days: Int?

    @Option(help: "With --format file: write the file here. (default: print it)")
    var output: String?

    /// The domain that the offline key or file is for: the one that the license is for, unless that is said by other
    /// means. Throws `ValidationError` where it would have to be and is not one.
    private func domain(_ format: LicenseFormat, of domains: [String]) throws -> String? {
        let one = domains.count == 1 && !domains[0].contains("*") ? domains[0] : nil
        if installationID != nil || unbound { return format == .file ? one : nil }
        guard one != nil || domains.isEmpty else {
            throw ValidationError("--format \(format.rawValue) is for one domain, such as --domain example.com.")
        }
        return one
    }

    /// `domains`: those that the license is for. Throws `ValidationError` before anything is issued.
    func check(_ format: LicenseFormat, domains: [String]) throws {
        if format == .key {
            guard installationID == nil, !unbound, days == nil, output == nil else {
                throw ValidationError("--installation-id, --unbound, --days and --output need --format.")
            }
            return
        }
        let domain = try domain(format, of: domains)
        switch format {
        case .key: break
        case .offline: try OfflineBodies.checkBinding(domain, installationID, unbound)
        case .file:
            guard days != nil, domain != nil || installationID != nil else {
                throw ValidationError("--format file needs --days, and --domain or --installation-id.")
            }
        }
    }

    /// Issues what `format` asks for under the license that was just issued; nil for a plain key and for a dry run,
    /// which has no license to do it under.
    func issue(
        _ format: LicenseFormat, domains: [String], after license: OperatorClient.Answer, _ change: ChangeOptions,
        with client: OperatorClient
    ) async throws -> OperatorClient.Answer? {
        guard format != .key, !change.dryRun else { return nil }
        let domain = try domain(format, of: domains)
        let id = license.json.objectValue?.text("id") ?? ""
        let path = "/api/v1/licenses/\(id.urlSegment)"
        if format == .offline {
            let body = OfflineBodies.key(domain: domain, installationID: installationID, unbound: unbound, change)
            return try await client.post("\(path)/offline-keys", body).required()
        }
        let body = OfflineBodies.file(
            domain: domain, ip: nil, installationID: installationID, request: nil, days: days ?? 0, change)
        return try await client.post("\(path)/files", body).required()
    }

    func print(_ answer: OperatorClient.Answer, _ format: LicenseFormat, _ options: GlobalOptions) throws {
        if format == .offline { return OfflinePrinting.key(answer, options) }
        try OfflinePrinting.file(answer, output: output, options)
    }
}

// MARK: - Bodies and printing

private enum OfflineBodies {
    static func key(domain: String?, installationID: String?, unbound: Bool, _ change: ChangeOptions) -> [UInt8] {
        JSONWriter.object { json in
            json.member("domain", domain)
            json.member("installation_id", installationID)
            json.member("unbound", unbound)
            change.write(to: &json)
        }
    }

    static func file(
        domain: String?, ip: String?, installationID: String?, request: String?, days: Int, _ change: ChangeOptions
    ) -> [UInt8] {
        JSONWriter.object { json in
            json.member("domain", domain)
            json.member("ip_address", ip)
            json.member("installation_id", installationID)
            json.member("request", request.map { $0.filter { !$0.isWhitespace } })
            json.member("days", Int64(days))
            change.write(to: &json)
        }
    }

    static func checkBinding(_ domain: String?, _ installationID: String?, _ unbound: Bool) throws {
        guard [domain != nil, installationID != nil, unbound].count(where: \.self) == 1 else {
            throw ValidationError("Say exactly one of --domain, --installation-id and --unbound.")
        }
    }
}

private enum OfflinePrinting {
    static func key(_ answer: OperatorClient.Answer, _ options: GlobalOptions) {
        guard !options.json, let key = answer.json.objectValue else { return Output.json(answer.body) }
        Output.card([
            ("Offline key", key.text("license_key")), ("License", key.text("license_id")),
            ("Binding", key.text("binding")), ("Product number", key.text("product_number")),
            ("Ends", key.text("expires_at_time") ?? "never"),
        ])
    }

    /// Writes the file where it was asked for; without a place the file itself is what is printed.
    static func file(_ answer: OperatorClient.Answer, output: String?, _ options: GlobalOptions) throws {
        guard let issued = answer.json.objectValue else { return Output.json(answer.body) }
        if let output, let file = issued.text("file") {
            guard FileManager.default.createFile(atPath: output, contents: Data(file.utf8)) else {
                throw CommandFailure(
                    status: .unavailable, message: "the file \(output) cannot be written; its seat is taken")
            }
        }
        if options.json { return Output.json(answer.body) }
        if output == nil, let file = issued.text("file") { return Swift.print(file, terminator: "") }
        Output.card([
            ("License file", output ?? "none yet"), ("License", issued.text("license_id")),
            ("Installation", issued.text("activation_id")), ("Ends", issued.text("ends_at")),
        ])
    }
}
