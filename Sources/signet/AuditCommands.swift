import ArgumentParser
import Primitives
import SignetApp

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "The journal: what was changed, by whom, and that it is whole.",
        subcommands: [AuditList.self, AuditVerify.self, AuditAnchor.self])
}

struct AuditList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists events, newest first.")

    @Option(help: "Only those of lic_…, product:CODE, customer:NUMBER, admin_token:NAME, signing_key:KEY.")
    var subject: String?

    @Option(help: "Only those of a type, such as license.created.")
    var type: String?

    @Option(help: "Only those by uid:N/login:N, token:NAME, installation, …")
    var actor: String?

    @Option(help: "Only those at this instant or later: YYYY-MM-DDTHH:MM:SSZ, or a day (UTC).")
    var since: String?

    @Option(help: "Only those before this instant.")
    var until: String?

    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let query = [("subject", subject), ("type", type), ("actor", actor), ("since", since), ("until", until)].query
        let answer = try await options.withClient { try await $0.get("/api/v1/audit?\(query)\(page.query)").required() }
        if options.json { return Output.json(answer.body) }
        Output.list(answer, ["AT", "TYPE", "SUBJECT", "ACTOR", "REASON"]) { event in
            ["at", "type", "subject", "actor"].map { event.text($0) ?? "-" } + [Self.reason(of: event) ?? "-"]
        }
    }

    /// Why it was done. The reasons of some changes are about a person, and sealed.
    private static func reason(of event: JSONObject) -> String? {
        event["data"]?.objectValue?.text("reason") ?? event["personal"]?.objectValue?.text("reason")
    }
}
