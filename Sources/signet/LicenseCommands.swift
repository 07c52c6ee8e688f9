import ArgumentParser
import Primitives
import SignetApp

struct LicenseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "license", abstract: "Licenses and the installations that hold their seats.",
        subcommands: [
            LicenseGenerate.self, LicenseValidate.self, LicenseList.self, LicenseShow.self, LicenseDeactivate.self,
            LicenseRefusals.self,
            LicenseFileCommand.self, LicenseOfflineKey.self,
        ])
}

struct LicenseGenerate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Issues a license and prints its key.")

    @Option(parsing: .unconditional, help: "The customer's number.")
    var customer: Int

    @Option(help: "The product's code.")
    var product: String

    @Option(help: "License type. (default: the product's)")
    var type: String?

    @Option(help: "\"+365 days\", YYYY-MM-DD (the last valid day, UTC) or never. (default: never)")
    var expires: String?

    @Option(parsing: .unconditional, help: "Installations; 0 is unlimited. (default: the product's)")
    var maxActivations: Int?

    @Option(help: "Features, separated by commas. (default: the product's)")
    var features: String?

    @Option(parsing: .unconditional, help: "Days after the expiry in which installations stay valid. (default: 0)")
    var graceDays: Int?

    @Option(help: "key; offline: an offline key too; file: a license file too. (default: key)")
    var format = LicenseFormat.key

    @OptionGroup var offline: OfflineIssueOptions
    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object { json in
            json.member("customer_id", Int64(customer))
            json.member("product", product)
            json.member("license_type", type)
            json.member("expires", expires)
            json.member("max_activations", maxActivations.map(Int64.init))
            json.member("features", list: features)
            json.member("grace_days", graceDays.map(Int64.init))
            change.write(to: &json)
        }
        try offline.check(format)
        let (answer, further) = try await options.withClient { client in
            let answer = try await client.post("/api/v1/licenses", body).required()
            return (answer, try await offline.issue(format, after: answer, change, with: client))
        }
        // One JSON document a command: with another format that is the one that was asked for.
        if further == nil || !options.json { LicensePrinting.print(answer, options) }
        if let further { try offline.print(further, format, options) }
        change.remind()
    }
}

struct LicenseValidate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Checks a license as an installation would; takes no seat by itself.",
        discussion: "Exit status 0 when it is valid, 1 when it is not.")

    @Argument(help: "The license key; with --offline an offline key (LK1-…) or a license file.")
    var key: String

    @Option(help: "The installation's domain. Without one only the license itself is checked.")
    var domain: String?

    @Option(help: "The installation's address. (default: this machine)")
    var ip: String?

    @Option(name: .customLong("installation-id"), help: "The installation's own identifier.")
    var installationID: String?

    @Option(help: "The product that asks. (default: any)")
    var product: String?

    @Flag(help: "Take a seat for a new installation.")
    var activate = false

    @Flag(help: "Tell how the verdict comes about, rule by rule; takes no seat.")
    var explain = false

    @OptionGroup var offline: OfflineValidationOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if explain, activate { throw ValidationError("--explain takes no seat, so it goes without --activate") }
    }

    func run() async throws {
        if offline.offline {
            let installation = try OfflineInputs.installation(domain: domain, ip: ip, installationID: installationID)
            return try offline.validate(key, for: installation, product: product, options)
        }
        let body = JSONWriter.object { json in
            json.member("license_key", key)
            json.member("domain", domain)
            json.member("ip_address", ip)
            json.member("installation_id", installationID)
            json.member("product", product)
            json.member("activate", activate)
        }
        let path = explain ? "/api/v1/licenses/explain" : "/api/v1/licenses/validate"
        let answer = try await options.withClient { try await $0.post(path, body).required() }
        guard let object = answer.json.objectValue else {
            throw CommandFailure(status: .unavailable, message: "the answer is no JSON object")
        }
        switch (options.json, explain) {
        case (true, _): Output.json(answer.body)
        case (false, true): ExplanationPrinting.print(object)
        case (false, false): Self.print(object)
        }
        if object["valid"] != .bool(true) { throw ExitCode(ExitStatus.negative.rawValue) }
    }

    private static func print(_ answer: JSONObject) {
        let activation = answer["activation"]?.objectValue
        Output.card([
            (answer.text("code") ?? "", answer.text("message")), ("License", answer.text("license_id")),
            ("Product", answer.text("product")), ("Type", answer.text("license_type")),
            ("Features", answer.text("features")),
            ("Expires", answer["license_id"] == .null ? nil : answer.text("expires_at") ?? "never"),
            ("Activations", answer["license_id"] == .null ? nil : answer.seats),
            ("Installation", activation.map { "\($0.text("id") ?? "development host"), \($0.text("domain") ?? "-")" }),
            ("Next check", answer.text("next_check_at")),
        ])
    }
}

struct LicenseList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists licenses, newest first.")

    @Option(help: "Only those: active, suspended, revoked, expired, grace or not_yet_valid.")
    var status: String?

    @Option(help: "Only those of a product.")
    var product: String?

    @Option(help: "Only those of a customer.")
    var customer: Int?

    @Option(help: "Only those of a batch.")
    var batch: String?

    @Option(help: "Only those with a seat taken by this domain.")
    var domain: String?

    @Option(help: "Only those whose key ends in these 4 symbols.")
    var last4: String?

    @Option(parsing: .unconditional, help: "Only active ones that expire within so many days.")
    var expiringIn: Int?

    @Flag(help: "Only those used lately, those first that were used from most networks: what looks cloned.")
    var spread = false

    @Flag(help: "Print all of them as CSV.")
    var csv = false

    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let query = [
            ("status", status), ("product", product), ("customer", customer.map(String.init)), ("batch", batch),
            ("domain", domain), ("last4", last4), ("expiring_in", expiringIn.map(String.init)),
            ("spread", spread ? "true" : nil),
        ].query
        if csv {
            let answer = try await options.withClient {
                try await $0.download("/api/v1/licenses.csv?\(query)").required()
            }
            return Output.raw(answer.body)
        }
        let answer = try await options.withClient {
            try await $0.get("/api/v1/licenses?\(query)\(page.query)").required()
        }
        if options.json { return Output.json(answer.body) }
        let headings =
            ["LICENSE", "KEY", "CUSTOMER", "PRODUCT", "TYPE", "STATUS", "EXPIRES", "SEATS"]
            + (spread ? ["NETWORKS"] : [])
        Output.list(answer, headings) { license in
            [
                license.text("id") ?? "-", "…\(license.text("last4") ?? "")", license.text("customer_id") ?? "-",
                license.text("product") ?? "-", license.text("license_type") ?? "-", license.text("status") ?? "-",
                license.text("expires_at") ?? "never", license.seats,
            ] + (spread ? [license.text("networks") ?? "-"] : [])
        }
    }
}

struct LicenseShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a license and its installations.")

    @Argument(help: "The license key or id (lic_…).")
    var license: String

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let answer = try await options.withClient { try await $0.license(license) }
        LicensePrinting.print(answer, options)
    }
}

struct LicenseDeactivate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deactivate", abstract: "Releases seats: of a domain, an address, an installation, or all.")

    @Argument(help: "The license key or id (lic_…).")
    var license: String

    @Option(help: "Release the seats of this domain.")
    var domain: String?

    @Option(help: "Release the seats that were used from this address; with --domain, only those of the domain.")
    var ip: String?

    @Option(name: .customLong("installation-id"), help: "Release the seat of this installation.")
    var installationID: String?

    @Flag(help: "Release all seats.")
    var all = false

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object { json in
            json.member("domain", domain)
            json.member("ip_address", ip)
            json.member("installation_id", installationID)
            json.member("all", all)
            change.write(to: &json)
        }
        let answer = try await options.withClient { client in
            let id = try await client.licenseID(license)
            return try await client.post("/api/v1/licenses/\(id.urlSegment)/deactivate", body).required()
        }
        if options.json { Output.json(answer.body) } else { Self.print(answer) }
        change.remind()
    }

    private static func print(_ answer: OperatorClient.Answer) {
        let released = answer.json.objectValue?["released"]?.arrayValue?.compactMap(\.objectValue) ?? []
        for seat in released {
            let identity = seat.text("domain") ?? seat.text("network") ?? seat.text("installation_id") ?? "-"
            Swift.print("Released \(seat.text("id") ?? "-"), \(identity)")
        }
        Swift.print("\(answer.json.objectValue?["current_activations"]?.integerValue ?? 0) seats are taken now.")
    }
}

extension OperatorClient {
    /// The license that a key or an id names. A key travels in a body, never in a path.
    fileprivate func license(_ text: String) async throws -> Answer {
        if text.hasPrefix("lic_") { return try await get("/api/v1/licenses/\(text.urlSegment)").required() }
        let body = JSONWriter.object { $0.member("license_key", text) }
        return try await post("/api/v1/licenses/lookup", body).required()
    }

    func licenseID(_ text: String) async throws -> String {
        if text.hasPrefix("lic_") { return text }
        return try await license(text).json.objectValue?.text("id") ?? ""
    }
}

private enum LicensePrinting {
    static func print(_ answer: OperatorClient.Answer, _ options: GlobalOptions) {
        guard !options.json, let license = answer.json.objectValue else { return Output.json(answer.body) }
        Output.card([
            ("License key", license.text("license_key") ?? license.text("last4").map { "…\($0)" }),
            ("License", license.text("id")), ("Customer", license.text("customer_id")),
            ("Product", license.text("product")), ("Type", license.text("license_type")),
            ("Features", license.text("features")), ("Status", license.text("status")),
            ("Expires", license.text("expires_at") ?? "never"), ("Grace until", license.text("grace_until")),
            ("Activations", license.seats), ("Created", license.text("created_at")),
        ])
        printActivations(license["activations"]?.arrayValue?.compactMap(\.objectValue) ?? [])
    }

    private static func printActivations(_ activations: [JSONObject]) {
        guard !activations.isEmpty else { return }
        Swift.print()
        Output.table(
            ["INSTALLATION", "DOMAIN", "ADDRESSES", "FIRST SEEN", "LAST SEEN"],
            activations.map { seat in
                let addresses = seat["addresses"]?.arrayValue?.compactMap { $0.objectValue?.text("address") } ?? []
                return [
                    seat.text("id") ?? "-",
                    seat.text("domain") ?? seat.text("network") ?? seat.text("installation_id") ?? "-",
                    addresses.joined(separator: " "), seat.text("first_seen") ?? "-", seat.text("last_seen") ?? "-",
                ]
            })
    }
}
