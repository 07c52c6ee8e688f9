import ArgumentParser
import Primitives
import SignetApp

struct AdminTokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin-token", abstract: "Admin tokens: who may operate from outside this machine.",
        subcommands: [AdminTokenCreate.self, AdminTokenList.self, AdminTokenRevoke.self])
}

struct AdminTokenCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes an admin token and prints it, once.",
        discussion: """
            The token goes into the header of requests to the public listener: Authorization: Bearer adm_…
            It is not kept; who loses it makes another.
            """)

    @Argument(help: "A name for it: a-z, 0-9 and . _ : -; the journal shows it. Names are not used again.")
    var name: String

    @Option(help: "What it permits, separated by commas: products:read, licenses:write, …")
    var scope: String

    @Option(help: "\"+90 days\", YYYY-MM-DD (the last valid day, UTC) or never. (default: \"+90 days\")")
    var expires: String?

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object { json in
            json.member("name", name)
            json.member("scopes", list: scope)
            json.member("expires", expires)
            change.write(to: &json)
        }
        let answer = try await options.withClient { try await $0.post("/api/v1/admin-tokens", body).required() }
        AdminTokenPrinting.print(answer, options)
        change.remind()
    }
}

struct AdminTokenList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists admin tokens, newest first.")

    @Option(help: "Only those: active, expired or revoked.")
    var status: String?

    @Option(help: "Only those that permit this, such as licenses:write.")
    var scope: String?

    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let query = [("status", status), ("scope", scope)].query + page.query
        let answer = try await options.withClient { try await $0.get("/api/v1/admin-tokens?\(query)").required() }
        if options.json { return Output.json(answer.body) }
        Output.list(answer, ["NAME", "STATUS", "EXPIRES", "LAST USED", "SCOPES"]) { token in
            [
                token.text("name") ?? "-", token.text("status") ?? "-", token.text("expires_at") ?? "never",
                token.text("last_used_at") ?? "never", token.text("scopes") ?? "-",
            ]
        }
    }
}

struct AdminTokenRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "revoke", abstract: "Ends an admin token, at once.")

    @Argument(help: "The token's name.")
    var name: String

    @OptionGroup var change: ChangeOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let body = JSONWriter.object(change.write)
        let answer = try await options.withClient {
            try await $0.post("/api/v1/admin-tokens/\(name.urlSegment)/revoke", body).required()
        }
        AdminTokenPrinting.print(answer, options)
        change.remind()
    }
}

private enum AdminTokenPrinting {
    static func print(_ answer: OperatorClient.Answer, _ options: GlobalOptions) {
        guard !options.json, let token = answer.json.objectValue else { return Output.json(answer.body) }
        Output.card([
            ("Admin token", token.text("token")), ("Name", token.text("name")), ("Scopes", token.text("scopes")),
            ("Status", token.text("status")), ("Expires", token.text("expires_at") ?? "never"),
            ("Last used", token.text("last_used_at")), ("Revoked", token.text("revoked_at")),
        ])
    }
}
