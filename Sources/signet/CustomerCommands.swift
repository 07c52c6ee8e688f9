import ArgumentParser
import Primitives
import SignetApp

struct CustomerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "customer", abstract: "Customers: whom licenses belong to.",
        subcommands: [CustomerCreate.self, CustomerList.self, CustomerShow.self])
}

struct CustomerCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Creates a customer.")

    @Option(parsing: .unconditional, help: "The customer's number. (default: the next free one)")
    var id: Int?

    @Option(help: "The customer's name in another system, such as a billing panel.")
    var reference: String?

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object { json in
            json.member("id", id.map(Int64.init))
            json.member("reference", reference)
            change.write(to: &json)
        }
        let answer = try await options.withClient { try await $0.post("/api/v1/customers", body).required() }
        CustomerPrinting.print(answer, options)
        change.remind()
    }
}

struct CustomerList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists customers.")

    @Option(help: "Only those whose reference holds this.")
    var reference: String?

    @Option(help: "Only those: active or closed.")
    var state: String?

    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let query = [("reference", reference), ("state", state)].query + page.query
        let answer = try await options.withClient { try await $0.get("/api/v1/customers?\(query)").required() }
        if options.json { return Output.json(answer.body) }
        Output.list(answer, ["ID", "REFERENCE", "STATE", "CREATED"]) { customer in
            ["id", "reference", "state", "created_at"].map { customer.text($0) ?? "-" }
        }
    }
}

struct CustomerShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Shows a customer.")

    @Argument(help: "The customer's number.")
    var id: Int

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let answer = try await options.withClient { try await $0.get("/api/v1/customers/\(id)").required() }
        CustomerPrinting.print(answer, options)
    }
}

private enum CustomerPrinting {
    static func print(_ answer: OperatorClient.Answer, _ options: GlobalOptions) {
        guard !options.json, let customer = answer.json.objectValue else { return Output.json(answer.body) }
        Output.card([
            ("Customer", customer.text("id")), ("Reference", customer.text("reference")),
            ("State", customer.text("state")), ("Created", customer.text("created_at")),
        ])
    }
}
