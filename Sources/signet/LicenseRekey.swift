import ArgumentParser
import Primitives
import SignetApp

struct LicenseRekey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rekey", abstract: "Gives a license a new key and prints it; the old ones work for a while.",
        discussion: "Checks with an old key warn (KEY_ENDING) until it ends; then it is unknown.")

    @Argument(help: "The license key or id (lic_…).")
    var license: String

    @Option(help: "For how long the old keys work: days or hours, such as 30d or 36h; 0 ends them now.")
    var overlap = "30d"

    @Flag(help: "Replace imported and offline keys too.")
    var allKeys = false

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object { json in
            json.member("overlap", overlap)
            json.member("all_keys", allKeys)
            change.write(to: &json)
        }
        let answer = try await options.withClient { client in
            let id = try await client.licenseID(license)
            return try await client.post("/api/v1/licenses/\(id.urlSegment)/rekey", body).required()
        }
        LicensePrinting.print(answer, options)
        change.remind()
    }
}

/// The keys of a license as people read them.
enum KeyPrinting {
    /// A table, unless there is one key that says nothing which is not said already.
    static func print(_ keys: [JSONObject]) {
        guard keys.count > 1 || keys.contains(where: { $0["license_key"] != nil }) else { return }
        Swift.print()
        Output.table(
            ["KEY", "KIND", "STATE", "CREATED", "VALID UNTIL"],
            keys.map { key in
                [
                    key.text("license_key") ?? "…\(key.text("last4") ?? "")", key.text("kind") ?? "-",
                    key.text("state") ?? "-", key.text("created_at") ?? "-", key.text("valid_until") ?? "never",
                ]
            })
    }
}
