import ArgumentParser
import Primitives
import SignetApp

struct ProductCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "product", abstract: "Products: what is licensed.",
        subcommands: [ProductCreate.self, ProductList.self, ProductShow.self, ProductCodesCommand.self])
}

struct ProductCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Creates a product.")

    @Argument(help: "What the software sends as `product`, such as whm-panel.")
    var code: String

    @Option(help: "The product's name. (default: its code)")
    var name: String?

    @Option(help: "Type of its licenses. (default: standard)")
    var type: String?

    @Option(help: "Features of its licenses, separated by commas.")
    var features: String?

    @Option(parsing: .unconditional, help: "Installations of one license; 0 is unlimited. (default: 1)")
    var maxActivations: Int?

    @Option(parsing: .unconditional, help: "Live addresses that one seat holds. (default: 3)")
    var addressesPerSeat: Int?

    @Option(parsing: .unconditional, help: "Longest life of a token in days, 1 to 90. (default: 14)")
    var tokenDays: Int?

    @Flag(help: "Development hosts take seats too.")
    var countDevelopment = false

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object { json in
            json.member("code", code)
            json.member("name", name)
            json.member("license_type", type)
            json.member("features", list: features)
            json.member("max_activations", maxActivations.map(Int64.init))
            json.member("addresses_per_seat", addressesPerSeat.map(Int64.init))
            json.member("token_days", tokenDays.map(Int64.init))
            json.member("counts_development", countDevelopment)
            change.write(to: &json)
        }
        let answer = try await options.withClient { try await $0.post("/api/v1/products", body).required() }
        ProductPrinting.print(answer, options)
        change.remind()
    }
}

struct ProductList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists products.")

    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let answer = try await options.withClient { try await $0.get("/api/v1/products?\(page.query)").required() }
        if options.json { return Output.json(answer.body) }
        Output.list(answer, ["CODE", "NAME", "TYPE", "SEATS", "FEATURES"]) { product in
            ["code", "name", "license_type", "max_activations", "features"].map { product.text($0) ?? "-" }
        }
    }
}

struct ProductShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Shows a product.")

    @Argument(help: "The product's code.")
    var code: String

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let answer = try await options.withClient { try await $0.get("/api/v1/products/\(code.urlSegment)").required() }
        ProductPrinting.print(answer, options)
    }
}

private enum ProductPrinting {
    static func print(_ answer: OperatorClient.Answer, _ options: GlobalOptions) {
        guard !options.json, let product = answer.json.objectValue else { return Output.json(answer.body) }
        let isUnlimited = product["max_activations"]?.integerValue == 0
        Output.card([
            ("Product", product.text("code")), ("Name", product.text("name")),
            ("License type", product.text("license_type")), ("Features", product.text("features")),
            ("Activations", isUnlimited ? "unlimited" : product.text("max_activations")),
            ("Addresses per seat", product.text("addresses_per_seat")), ("Token days", product.text("token_days")),
            ("Development counts", product.text("counts_development")), ("Created", product.text("created_at")),
        ])
    }
}
