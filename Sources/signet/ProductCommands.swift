import ArgumentParser
import Licensing
import Primitives
import SignetApp

struct ProductCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "product", abstract: "Products: what is licensed.",
        subcommands: [
            ProductCreate.self, ProductList.self, ProductShow.self, ProductUpdateCommand.self,
            ProductCodesCommand.self,
        ])
}

struct ProductCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Creates a product.",
        discussion: "Its policy is that of its licenses, as far as these do not choose otherwise.")

    @Argument(help: "What the software sends as `product`, such as whm-panel.")
    var code: String

    @Option(help: "The product's name. (default: its code)")
    var name: String?

    @Option(help: "Where people whose license was refused find help: https://… (default: nowhere)")
    var actionURL: String?

    @Option(parsing: .unconditional, help: "Groups of four symbols in its keys, 4 to 7. (default: 4)")
    var keyGroups: Int?

    @Option(help: "What stands before its keys: 2 to 8 of A-Z and 0-9. (default: nothing)")
    var keyPrefix: String?

    @OptionGroup(title: "Policy") var policy: PolicyOptions
    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object { json in
            json.member("code", code)
            json.member("name", name)
            json.member("action_url", actionURL)
            json.member("key_groups", keyGroups.map(Int64.init))
            json.member("key_prefix", keyPrefix)
            json.members(of: policy.members)
            change.write(to: &json)
        }
        let answer = try await options.withClient { try await $0.post("/api/v1/products", body).required() }
        ProductPrinting.print(answer, options)
        change.remind()
    }
}

struct ProductList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists products.")

    @Option(help: "Only those whose code or name holds this.")
    var search: String?

    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let query = [("search", search)].query + page.query
        let answer = try await options.withClient { try await $0.get("/api/v1/products?\(query)").required() }
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

struct ProductUpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Changes a product, and at once all licenses that do not choose otherwise.",
        discussion: "See first what would change, and for how many licenses, with --dry-run.")

    @Argument(help: "The product's code.")
    var code: String

    @Option(help: "The product's name.")
    var name: String?

    @Option(help: "Where people whose license was refused find help: https://…, or none.")
    var actionURL: String?

    @Option(parsing: .unconditional, help: "Groups of four symbols in new keys, 4 to 7.")
    var keyGroups: Int?

    @Option(help: "What stands before new keys, 2 to 8 of A-Z and 0-9, or none; old keys keep opening.")
    var keyPrefix: String?

    @OptionGroup var update: UpdateOptions
    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func validate() throws {
        try update.requireSomething(besides: name, actionURL, keyGroups.map(String.init), keyPrefix)
    }

    func run() async throws {
        let members = try update.members
        let body = JSONWriter.object { json in
            if let name { json.member("name", name) }
            if let actionURL { json.member("action_url", actionURL == "none" ? nil : actionURL) }
            if let keyGroups { json.member("key_groups", Int64(keyGroups)) }
            if let keyPrefix { json.member("key_prefix", keyPrefix == "none" ? nil : keyPrefix) }
            update.write(members, to: &json)
            change.write(to: &json)
        }
        let answer = try await options.withClient {
            try await $0.patch("/api/v1/products/\(code.urlSegment)", body).required()
        }
        guard !options.json, let product = answer.json.objectValue else { return Output.json(answer.body) }
        ChangePrinting.print(product, of: "Product \(code)")
        if let licenses = product["licenses"]?.objectValue { ProductPrinting.printReach(licenses) }
        change.remind()
    }
}

private enum ProductPrinting {
    static func print(_ answer: OperatorClient.Answer, _ options: GlobalOptions) {
        guard !options.json, let product = answer.json.objectValue else { return Output.json(answer.body) }
        Output.card([
            ("Product", product.text("code")), ("Name", product.text("name")),
            ("Help", product.text("action_url")), ("Key", keys(of: product)), ("Version", product.text("version")),
            ("Created", product.text("created_at")),
        ])
        Swift.print()
        let settings = product["settings"]?.objectValue
        Output.table(
            ["POLICY", "FROM", "VALUE"],
            PolicyField.all.map { field in
                [
                    field.name, settings?[field.name] == nil ? "default" : "product",
                    field.text(of: product[field.name] ?? .null),
                ]
            })
    }

    private static func keys(of product: JSONObject) -> String {
        let groups = Int(product["key_groups"]?.integerValue ?? 0)
        let parts = [product.text("key_prefix")].compactMap { $0 } + Array(repeating: "XXXX", count: groups)
        return parts.joined(separator: "-")
    }

    /// What a change means for the product's licenses.
    static func printReach(_ licenses: JSONObject) {
        func count(_ name: String) -> Int64 { licenses[name]?.integerValue ?? 0 }
        Swift.print("Affects \(count("affected")) of \(count("total")) licenses.")
        let further = [
            ("recounted", "had their seats counted anew"),
            ("over_limit", "have more seats taken than their limit now; these stay for 30 days at least"),
            ("within_limit", "have no more seats taken than their limit any more"),
        ]
        for (name, words) in further where count(name) > 0 { Swift.print("\(count(name)) \(words).") }
    }
}
