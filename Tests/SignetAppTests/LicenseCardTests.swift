import Foundation
import Licensing
import Primitives
import TestSupport
import Testing

@testable import SignetApp

@Suite("The card of a license")
struct LicenseCardTests {
    private static let policy = #"""
        "license_type":"professional","features":["whm","billing"],"max_activations":3,"counted_by":"domain",
        "addresses_per_seat":3,"ipv6_prefix":64,"moves_max":10,"counts_development":false,
        "staging_hosts":["staging.*","stage.*","dev.*","test.*"],"staging_max":3,
        "allowed_domains":["example.com","*.example.com","example.net","*.example.net",
        "a-rather-long-name.example.org"],
        "allowed_networks":[],"checks_peer":false,"activation":"automatic","lease_minutes":0,"grace_days":7,
        "token_days":14,"duration_days":0,"maintenance_until":"never","max_version":"any"
        """#

    private static let sources: String = {
        let own = ["max_activations", "allowed_domains"]
        let product = ["license_type", "features", "grace_days"]
        let members = PolicyField.all.map { field in
            let source = own.contains(field.name) ? "license" : product.contains(field.name) ? "product" : "default"
            return "\"\(field.name)\":\"\(source)\""
        }
        return "{\(members.joined(separator: ","))}"
    }()

    private static let seats = #"""
        [{"id":"act_0000000000001","domain":"example.com","network":null,"installation_id":"install-0001",
        "kind":"production","held_until":null,"first_seen":"2026-10-01T08:00:00Z","last_seen":"2026-11-23T11:58:00Z",
        "addresses":[{"address":"203.0.113.7"},{"address":"2001:db8:1111:2222:3333:4444:5555:6666"},
        {"address":"198.51.100.200"},{"address":"198.51.100.201"}]},
        {"id":"act_0000000000002","domain":"staging.example.com","network":null,"installation_id":null,
        "kind":"staging","held_until":null,"first_seen":"2026-11-23T11:59:30Z","last_seen":"2026-11-23T11:59:30Z",
        "addresses":[{"address":"203.0.113.7"}]},
        {"id":"act_0000000000003",
        "domain":"a-name-that-is-so-long-that-it-does-not-fit.customers.hosting.example.net","network":null,
        "installation_id":null,"kind":"file","held_until":"2027-05-01T00:00:00Z",
        "first_seen":"2024-11-01T00:00:00Z","last_seen":"2024-11-01T00:00:00Z","addresses":[]}]
        """#

    /// The character whose card it is, and the members in which it differs.
    private static let characters: [(name: String, members: String)] = [
        (
            "acme",
            #""status":"active","expires_at_time":"2026-12-06T00:00:00Z","grace_until":"2026-12-13T00:00:00Z","#
                + #""current_activations":2,"activations":\#(seats),"batch":"reseller-7""#
        ),
        (
            "solo",
            #""status":"active","expires_at_time":null,"grace_until":null,"current_activations":3,"#
                + #""license_key":"WHM-0123-4567-89AB-CDEF""#
        ),
        (
            "lapsed",
            #""status":"grace","expires_at_time":"2026-11-23T00:00:00Z","grace_until":"2026-11-30T00:00:00Z","#
                + #""current_activations":5,"over_limit_until":"2026-12-23T12:00:00Z""#
        ),
        (
            "held",
            #""status":"suspended","expires_at_time":"2030-01-01T00:00:00Z","grace_until":null,"#
                + #""current_activations":0,"suspension":[{"by":"operator","reason":"chargeback of the last invoice, "#
                + #"see the ticket of the payment provider before it is reinstated","actor":"uid:0","#
                + #""since":"2026-11-20T12:00:00Z"},{"by":"billing","reason":null,"actor":"signet","#
                + #""since":"2026-11-23T11:00:00Z"}]"#
        ),
        (
            "gone",
            #""status":"revoked","expires_at_time":null,"grace_until":null,"current_activations":0,"#
                + #""revocation":{"by":"operator","reason":"leaked","actor":"uid:0","at":"2026-11-22T12:00:00Z"}"#
        ),
        (
            "early",
            #""status":"not_yet_valid","expires_at_time":null,"grace_until":null,"current_activations":0,"#
                + #""not_before":"2027-01-01T00:00:00Z""#
        ),
    ]

    private static func card(_ members: String, _ style: CardStyle = .plain) throws -> String {
        let json = """
            {"id":"lic_0123456789ABC","last4":"CDEF","customer_id":123,"product":"whm-panel","product_name":"WHM Panel",
            "created_at":"2026-10-01T08:00:00Z","policy_sources":\(sources),\(policy),\(members)}
            """
        let object = try #require(try JSONReader.read(Array(json.utf8)).objectValue)
        return LicenseCard(object, at: ManualClock.start, style: style).text
    }

    @Test("reads as it was reviewed, for every character")
    func golden() throws {
        let cards = try Self.characters.map { "=== \($0.name)\n\n" + (try Self.card($0.members)) }
        let actual = cards.joined(separator: "\n")
        #expect(try Golden.text("license-cards.txt", actual: actual) == actual)
    }

    @Test("fits in 80 columns, has no spaces at line ends and no colors", arguments: characters.map(\.members))
    func width(members: String) throws {
        for line in try Self.card(members).split(separator: "\n") {
            #expect(line.count <= 80 && line.last != " ", "\(line)")
            #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 })
        }
    }

    @Test("says the same in colors, which a terminal takes for nothing", arguments: characters.map(\.members))
    func colors(members: String) throws {
        let colored = try Self.card(members, .colored)
        #expect(colored.contains("\u{1B}[1m"))
        #expect(colored.replacing(#/\u{1B}\[[0-9]+m/#, with: "") == (try Self.card(members)))
    }

    @Test(
        "says how far away things are",
        arguments: [
            (0, "just now"), (-59, "just now"), (59, "just now"), (-60, "1 minute ago"), (3599, "in 59 minutes"),
            (3600, "in 1 hour"), (-7200, "2 hours ago"), (86_400, "in 1 day"), (-86_400 * 729, "729 days ago"),
            (86_400 * 730, "in 2 years"),
        ] as [(Int, String)])
    func distance(seconds: Int, text: String) {
        #expect(RelativeTime.text(of: ManualClock.start + .seconds(seconds), at: ManualClock.start) == text)
    }

    @Test(
        "counts to a last day by the calendar",
        arguments: [
            (0, "today is the last day"), (1, "tomorrow"), (-1, "yesterday"), (12, "in 12 days"), (-3, "3 days ago"),
            (3650, "in 10 years"),
        ] as [(Int64, String)])
    func lastDay(days: Int64, text: String) {
        let day = ManualClock.start.date.adding(days: days)
        for clock in [ManualClock.start.date.start, ManualClock.start, ManualClock.start.date.end - .seconds(1)] {
            #expect(RelativeTime.text(ofLastDay: day, at: clock) == text)
        }
    }

    @Test("breaks lines at spaces, and a word that is longer than a line anywhere")
    func wrapping() {
        #expect(CardText.wrapped("", to: 5) == [""])
        #expect(CardText.wrapped("one two three", to: 7) == ["one two", "three"])
        #expect(CardText.wrapped("abcdefghij k", to: 4) == ["abcd", "efgh", "ij k"])
        #expect(CardText.fitted("abcdefghij", to: 5) == "ab…ij")
        #expect(CardText.fitted("abc", to: 5) == "abc  ")
    }
}
