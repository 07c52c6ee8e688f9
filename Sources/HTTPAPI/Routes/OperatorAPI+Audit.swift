import Access
import Database
import Hummingbird
import Journal
import Primitives

extension OperatorAPI {
    /// What happened: the journal.
    func addAudit(to routes: inout Routes) {
        routes.add(.get, "/api/v1/audit", scope: .auditRead, listEvents)
    }

    private static let auditFilters: [ListFilter<JournalCondition>] = [
        ListFilter("subject", "must be there and not empty") { $0.isEmpty ? nil : .subject($0) },
        ListFilter("type", "must be there and not empty") { $0.isEmpty ? nil : .type($0) },
        ListFilter("actor", "must be there and not empty") { $0.isEmpty ? nil : .actor($0) },
        ListFilter("since", instantExpectation) { instant($0).map { .since($0) } },
        ListFilter("until", instantExpectation) { instant($0).map { .until($0) } },
    ]

    private static let instantExpectation = "must be YYYY-MM-DDTHH:MM:SSZ, or a day, which stands for its beginning"

    private static func instant(_ text: String) -> Timestamp? {
        Timestamp(text: text) ?? CivilDate(text: text)?.start
    }

    @Sendable
    private func listEvents(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let page = try page(request)
        let (conditions, query) = try await conditions(Self.auditFilters, of: request)
        let listing = try await audit.events(
            conditions, page, personal: context.scopes.contains(.auditReadPersonal))
        return .json(listing.json(page, path: request.uri.path, query: query) { $0.write(to: &$1) })
    }
}

extension JournalRecord {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("sequence", sequence)
        json.member("id", id.description)
        json.member("type", type)
        json.member("type_version", typeVersion)
        json.member("subject", subject)
        json.member("subject_version", subjectVersion)
        json.member("at", at.description)
        json.member("actor", actor)
        json.member("request_id", requestID)
        json.member("data", value: .object(facts))
        json.member("has_personal", hasPersonal)
        json.member("personal", value: personal.map { .object($0) })
    }
}
