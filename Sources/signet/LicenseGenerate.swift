import ArgumentParser
import Primitives
import SignetApp

struct LicenseGenerate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Issues a license and prints its key.",
        discussion: "What is not said is as the product says, now and whenever that changes.")

    @Option(parsing: .unconditional, help: "The customer's number.")
    var customer: Int

    @Option(help: "The product's code.")
    var product: String

    @Option(help: "\"+365 days\", YYYY-MM-DD (the last valid day, UTC) or never. (default: never)")
    var expires: String?

    @Option(help: "The first valid day (UTC), YYYY-MM-DD. (default: at once)")
    var notBefore: String?

    @Option(help: "key; offline: an offline key for its --domain too; file: a license file. (default: key)")
    var format = LicenseFormat.key

    @OptionGroup var many: BatchOptions
    @OptionGroup(title: "Policy") var policy: PolicyOptions
    @OptionGroup var offline: OfflineIssueOptions
    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object { json in
            json.member("customer_id", Int64(customer))
            json.member("product", product)
            json.member("expires", expires)
            json.member("not_before", notBefore)
            json.members(of: policy.members)
            many.write(to: &json)
            change.write(to: &json)
        }
        try offline.check(format, domains: policy.domains)
        try many.check(format, json: options.json)
        let (answer, further) = try await options.withClient { client in
            let answer = try await client.post("/api/v1/licenses", body).required()
            let further = try await offline.issue(
                format, domains: policy.domains, after: answer, change, with: client)
            return (answer, further)
        }
        // One JSON document a command: with another format that is the one that was asked for.
        if further == nil || !options.json, !many.print(answer, options) { LicensePrinting.print(answer, options) }
        if let further { try offline.print(further, format, options) }
        change.remind()
    }
}
