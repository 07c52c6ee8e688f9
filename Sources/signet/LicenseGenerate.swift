import ArgumentParser
import Primitives
import SignetApp

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

    @OptionGroup var many: BatchOptions
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
            many.write(to: &json)
            change.write(to: &json)
        }
        try offline.check(format)
        try many.check(format, json: options.json)
        let (answer, further) = try await options.withClient { client in
            let answer = try await client.post("/api/v1/licenses", body).required()
            return (answer, try await offline.issue(format, after: answer, change, with: client))
        }
        // One JSON document a command: with another format that is the one that was asked for.
        if further == nil || !options.json, !many.print(answer, options) { LicensePrinting.print(answer, options) }
        if let further { try offline.print(further, format, options) }
        change.remind()
    }
}
