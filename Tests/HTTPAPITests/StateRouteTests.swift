import Database
import HTTPTypes
import Licensing
import Primitives
import TestSupport
import Testing

@testable import HTTPAPI

@Suite("Changes of state, over the API")
struct StateRouteTests {
    private let house: TestHouse
    private let license: IssuedLicense
    private let face: OperatorFace

    init() async throws {
        house = try await TestHouse()
        license = try await house.issue(expires: .through(house.clock.now().date.adding(days: 10)))
        try await house.customer(456)
        face = OperatorFace(of: house)
    }

    private func post(_ verb: String, _ members: String = "", _ headers: HTTPFields = [:]) async throws -> Reply {
        try await face.reply(to: .post("/api/v1/licenses/\(license.id)/\(verb)", Array("{\(members)}".utf8), headers))
    }

    private func member(_ reply: Reply, _ path: String...) -> JSONValue? {
        path.dropLast().reduce(reply.json) { $0[$1]?.objectValue ?? JSONObject() }[path.last ?? ""]
    }

    /// Suspends the license in billing's name, as billing would.
    private func suspendByBilling() async throws {
        let (registrar, id) = (house.licensing.registrar, license.id)
        let provenance = house.provenance(actor: "billing", reason: "invoice 12345 is overdue")
        _ = try await house.database.write { transaction in
            try registrar.transition(.suspend, of: id, by: .billing, provenance, in: transaction)
        } committed: { [licensing = house.licensing] in
            licensing.apply($0.changes)
        }
    }

    @Test("answer with the license after and before it, and who holds it back")
    func suspended() async throws {
        let reply = try await post("suspend", #""reason":"spam""#)
        #expect(reply.status == 200)
        #expect(reply.json["changed"] == .bool(true))
        #expect(reply.json["status"] == .string("suspended"))
        #expect(member(reply, "before", "status") == .string("active"))
        let holds = reply.json["suspension"]?.arrayValue?.compactMap(\.objectValue)
        #expect(holds?.map { $0["by"] } == [.string("operator")])
        #expect(holds?.first?["reason"] == .string("spam"))
        #expect(holds?.first?["actor"] == .string("uid:0/login:1000"))
        #expect(holds?.first?["since"] == .string(ManualClock.start.description))
        let shown = try await face.get("/api/v1/licenses/\(license.id)")
        #expect(shown.json["suspension"] == reply.json["suspension"])
        #expect(shown.json["revocation"] == .null)
        let listed = try await face.get("/api/v1/licenses?status=suspended")
        #expect(listed.json["data"]?.arrayValue?.first?.objectValue?["suspension"] == reply.json["suspension"])
        let again = try await post("suspend", #""reason":"spam""#)
        #expect(again.status == 200 && again.json["changed"] == .bool(false))
        #expect(again.json["version"] == reply.json["version"])
    }

    @Test("lift billing's hold only when that is said, and name it otherwise")
    func liftsBilling() async throws {
        try await suspendByBilling()
        let kept = try await post("reinstate")
        #expect(kept.status == 200 && kept.json["changed"] == .bool(false))
        let hold = kept.json["suspension"]?.arrayValue?.first?.objectValue
        #expect(hold?["by"] == .string("billing") && hold?["reason"] == .string("invoice 12345 is overdue"))
        let lifted = try await post("reinstate", #""lift_billing":true"#)
        #expect(lifted.json["suspension"]?.arrayValue?.isEmpty == true)
        #expect(lifted.json["status"] == .string("active"))
    }

    @Test("renew by days and to a day")
    func renewed() async throws {
        let answers: [(String, String?)] = [
            (#""by":"+30 days""#, "2027-01-02"), (#""by":"30d","from":"expiry""#, "2027-02-01"),
            (#""by":"365 days","from":"now""#, "2027-11-23"), (#""expires":"2026-12-31""#, "2026-12-31"),
            (#""by":"1d","from":"now_if_expired""#, "2027-01-01"), (#""expires":"never""#, nil),
        ]
        for (members, day) in answers {
            let reply = try await post("renew", members)
            #expect(reply.status == 200, "\(reply.text)")
            #expect(reply.json["expires_at"] == (day.map(JSONValue.string) ?? .null), "\(members)")
        }
    }

    @Test("say what a revocation ends, and that nothing is possible afterwards but a transfer")
    func revoked() async throws {
        #expect(try await house.verdict(license, "example.com") == .valid)
        let reply = try await post("revoke", #""reason":"refunded""#)
        #expect(reply.status == 200)
        #expect(member(reply, "revocation", "reason") == .string("refunded"))
        #expect(member(reply, "ends", "activations") == .integer(1))
        // The license ends before a token of 14 days would.
        #expect(member(reply, "ends", "tokens_until") == reply.json["expires_at_time"])
        #expect(member(reply, "ends", "license_files_until") == .null)
        for (verb, members) in [
            ("suspend", ""), ("reinstate", #""lift_billing":true"#), ("renew", #""by":"1d""#),
            ("merge", #""from":"a.example.com","into":"b.example.com""#),
        ] {
            let refused = try await post(verb, members)
            #expect(refused.status == 409 && refused.code == "license_revoked", "\(verb)")
            #expect(refused.json["detail"]?.stringValue?.contains("transfer") == true)
        }
        let moved = try await post("transfer", #""customer_id":456"#)
        #expect(moved.json["customer_id"] == .integer(456) && member(moved, "before", "customer_id") == .integer(123))
    }

    @Test("merge two domains and say which seats ended")
    func merged() async throws {
        #expect(try await house.verdict(license, "old.example.com") == .valid)
        let reply = try await post("merge", #""from":"Old.Example.com","into":"example.com""#)
        #expect(reply.status == 200, "\(reply.text)")
        let released = reply.json["released"]?.arrayValue?.compactMap { $0.objectValue?["domain"] }
        #expect(released == [.string("old.example.com")])
        #expect(try await house.verdict(license, "example.com", activates: false) == .valid)
        let again = try await post("merge", #""from":"old.example.com","into":"example.com""#)
        #expect(again.status == 404 && again.code == "installation_unknown")
    }

    @Test("are made once under one Idempotency-Key, also where each repetition would add")
    func idempotent() async throws {
        let headers: HTTPFields = [.idempotencyKey: "renewal-2027"]
        let first = try await post("renew", #""by":"365d""#, headers)
        let again = try await post("renew", #""by":"365d""#, headers)
        #expect(first.status == 200 && again.status == 200)
        #expect(again.body == first.body)
        #expect(again.headers[.init("Idempotency-Replayed")!] == "true")
        let other = try await post("renew", #""by":"366d""#, headers)
        #expect(other.code == "idempotency_key_reused")
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type = 'license.renewed'") == 1)
    }

    @Test(
        "with members that cannot be taken name them",
        arguments: [
            ("renew", "", "by"), ("renew", #""by":"1d","expires":"never""#, "by"),
            ("renew", #""from":"now","expires":"never""#, "by"), ("renew", #""by":"1y""#, "by"),
            ("renew", #""by":1"#, "by"), ("renew", #""by":"1d","from":"birth""#, "from"),
            ("renew", #""expires":"2027-02-30""#, "expires"), ("transfer", "", "customer_id"),
            ("transfer", #""customer_id":0"#, "customer_id"), ("transfer", #""customer_id":"456""#, "customer_id"),
            ("merge", "", "from"), ("merge", #""from":"a.example.com""#, "into"),
            ("merge", #""from":"a b","into":"b.example.com""#, "from"),
            ("merge", #""from":"A.example.com","into":"a.example.com""#, "into"),
            ("reinstate", #""lift_billing":"yes""#, "lift_billing"), ("suspend", #""reason":7"#, "reason"),
            ("revoke", #""dry_run":1"#, "dry_run"),
        ])
    func badMembers(verb: String, members: String, name: String) async throws {
        let reply = try await post(verb, members)
        #expect(reply.status == 400, "\(reply.text)")
        #expect(reply.violations.contains(name), "\(reply.text)")
        #expect(face.log.complaints.isEmpty)
    }

    @Test("that cannot be are told apart by their codes")
    func refusals() async throws {
        let refusals = [
            ("renew", #""expires":"2026-11-22""#, 422, "expiry_in_past"),
            ("renew", #""by":"1d","from":"now""#, 409, "renewal_shortens"),
            ("renew", #""by":"36525d""#, 409, "renewal_too_far"),
            ("transfer", #""customer_id":999"#, 422, "customer_unknown"),
        ]
        for (verb, members, status, code) in refusals {
            let reply = try await post(verb, members)
            #expect(reply.status == status && reply.code == code, "\(reply.text)")
        }
        for verb in LicenseTransition.Kind.allCases where ![.renew, .transfer, .merge].contains(verb) {
            let absent = try await face.post("/api/v1/licenses/lic_0000000000000/\(verb.rawValue)", "{}")
            #expect(absent.status == 404 && absent.code == "license_unknown")
        }
        #expect(try await house.count("SELECT count(*) FROM journal WHERE type LIKE 'license.%'") == 1)
    }

    @Test("can be tried without being made", arguments: LicenseTransition.Kind.allCases)
    func dryRun(kind: LicenseTransition.Kind) async throws {
        #expect(try await house.verdict(license, "example.com") == .valid)
        let members =
            switch kind {
            case .suspend, .reinstate, .revoke: #""dry_run":true"#
            case .renew: #""by":"1d","dry_run":true"#
            case .transfer: #""customer_id":456,"dry_run":true"#
            case .merge: #""from":"example.com","into":"www2.example.com","dry_run":true"#
            }
        let events = try await house.count("SELECT count(*) FROM journal")
        let reply = try await post(kind.rawValue, members)
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply.json["changed"] == .bool(kind != .reinstate))
        #expect(try await house.count("SELECT count(*) FROM journal") == events)
        #expect(try await house.verdict(license, "example.com", activates: false) == .valid)
    }
}
