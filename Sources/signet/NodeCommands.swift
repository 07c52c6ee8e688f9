import ArgumentParser
import Primitives
import SignetApp

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "The machines that serve one database.", subcommands: [NodeList.self])
}

struct NodeList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the nodes, what they lack, and which work each does for all.")

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let answer = try await options.withClient { try await $0.get("/api/v1/nodes").required() }
        if options.json { return Output.json(answer.body) }
        let headings = ["NODE", "NAME", "VERSION", "STARTED", "SEEN", "LIVE", "BEHIND", "MISSING KEYS", "WORK"]
        Output.list(answer, headings) { node in
            ["id", "name", "version", "started_at", "seen_at", "live"].map { node.text($0) ?? "-" }
                + [Self.behind(node), node.text("missing_keys") ?? "-", node.text("leases") ?? "-"]
        }
    }

    /// How far its memory was behind when it was last seen.
    private static func behind(_ node: JSONObject) -> String {
        guard let age = node["feed_age_ms"]?.integerValue else { return "-" }
        return "\(age) ms"
    }
}
