import Access
import Cluster
import Database
import Hummingbird
import Licensing
import Primitives

extension OperatorAPI {
    /// The processes that serve the database.
    func addNodes(to routes: inout Routes) {
        routes.add(.get, "/api/v1/nodes", scope: .databaseRead, listNodes)
    }

    @Sendable
    private func listNodes(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let roster = try await membership.roster()
        let needed = licensing.keys.neededFiles(at: clock.now())
        return .json(
            JSONWriter.object { json in
                json.member("data", objects: roster.nodes) { $0.write(to: &$1, in: roster, needed: needed) }
            })
    }
}

extension Node {
    /// `needed`: the ids of the keys whose private files each node should hold.
    fileprivate func write(to json: inout JSONWriter, in roster: Membership.Roster, needed: [String]) {
        json.member("id", id.description)
        json.member("name", name)
        json.member("version", version)
        json.member("started_at", startedAt.description)
        json.member("seen_at", seenAt.description)
        json.member("live", isLive(at: roster.at))
        json.member("answers", id == roster.own)
        json.member("keys", keyIDs)
        json.member("missing_keys", needed.filter { !holds($0) })
        json.member("feed_position", feed?.transaction)
        json.member("feed_age_ms", feed?.age.wholeMilliseconds)
        json.member("leases", roster.leases.filter { $0.holder == id }.map(\.task))
    }
}
