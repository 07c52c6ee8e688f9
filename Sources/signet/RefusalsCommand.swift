import ArgumentParser
import Primitives
import SignetApp

struct LicenseRefusals: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refusals", abstract: "Lists installations that were refused lately, newest first.",
        discussion: "Kept are the last 20 of each license and the last 1,000 with malformed or unknown keys.")

    @Argument(help: "The license key or id (lic_…). (default: all licenses, and unknown keys)")
    var license: String?

    @Flag(help: "Only those with malformed or unknown keys.")
    var unknown = false

    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if unknown, license != nil { throw ValidationError("--unknown goes without a license") }
    }

    func run() async throws {
        let answer = try await options.withClient { client in
            guard let license else {
                return try await client.get("/api/v1/refusals?unknown=\(unknown)&\(page.query)").required()
            }
            let id = try await client.licenseID(license)
            return try await client.get("/api/v1/licenses/\(id.urlSegment)/refusals?\(page.query)").required()
        }
        if options.json { return Output.json(answer.body) }
        Output.list(answer, ["TIME", "LICENSE", "CODE", "INSTALLATION", "ADDRESS", "PEER"]) { refusal in
            [
                refusal.text("at") ?? "-", refusal.text("license_id") ?? "-", refusal.text("code") ?? "-",
                refusal.text("domain") ?? refusal.text("installation_id") ?? "-", refusal.text("address") ?? "-",
                refusal.text("peer") ?? "-",
            ]
        }
    }
}
