import ArgumentParser
import Primitives
import SignetApp

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
