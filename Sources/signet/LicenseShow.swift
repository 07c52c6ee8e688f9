import ArgumentParser
import Primitives
import SignetApp

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

/// A license as people read it.
enum LicensePrinting {
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
