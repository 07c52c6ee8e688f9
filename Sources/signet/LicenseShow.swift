import ArgumentParser
import Primitives
import SignetApp

struct LicenseShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a license and its installations.")

    @Argument(help: "The license key or id (lic_…).")
    var license: String

    @Flag(help: "Tell the keys that open it again; recorded in the journal.")
    var reveal = false

    @Option(help: "With --reveal: why; recorded in the journal.")
    var reason: String?

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if reason != nil, !reveal { throw ValidationError("--reason is for --reveal: nothing else is recorded.") }
    }

    func run() async throws {
        let body = JSONWriter.object { $0.member("reason", reason) }
        let (answer, keys) = try await options.withClient {
            client async throws -> (OperatorClient.Answer, OperatorClient.Answer?) in
            let answer = try await client.license(license)
            guard reveal, let id = answer.json.objectValue?.text("id") else { return (answer, nil) }
            return (answer, try await client.post("/api/v1/licenses/\(id.urlSegment)/reveal", body).required())
        }
        // One JSON document a command: the one that was asked for.
        if let keys, options.json { return Output.json(keys.body) }
        LicensePrinting.print(answer, keys: keys, options)
    }
}

/// A license as people read it.
enum LicensePrinting {
    /// `keys`: those that were told again.
    static func print(
        _ answer: OperatorClient.Answer, keys: OperatorClient.Answer? = nil, _ options: GlobalOptions
    ) {
        guard !options.json, let license = answer.json.objectValue else { return Output.json(answer.body) }
        Output.card(
            [
                ("License key", license.text("license_key") ?? license.text("last4").map { "…\($0)" }),
                ("Looked up", KeyPrinting.remark(on: license["looked_up"]?.objectValue)),
                ("License", license.text("id")), ("Customer", license.text("customer_id")),
                ("Product", license.text("product")), ("Type", license.text("license_type")),
                ("Features", license.text("features")), ("Status", license.text("status")),
                ("Expires", license.text("expires_at") ?? "never"), ("Grace until", license.text("grace_until")),
                ("Activations", license.seats), ("Created", license.text("created_at")),
            ] + LicenseStatePrinting.lines(of: license))
        KeyPrinting.print(((keys?.json.objectValue ?? license)["keys"]?.arrayValue ?? []).compactMap(\.objectValue))
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
