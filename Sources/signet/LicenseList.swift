import ArgumentParser
import Primitives
import SignetApp

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
