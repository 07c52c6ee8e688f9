import Testing

@testable import LicenseClient

@Suite("What is fetched after an answer")
struct FollowUpsTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        var hasRoot = true
        var meetsUnknownKey = false
        /// Seconds since it was asked for; nil: never.
        var keysAskedAgo: Int64? = 0
        var held: Int64 = 0
        var named: Int64?
        var keySet = false
        var list = false
        var testDescription: String { name }
    }

    static let rows: [Row] = [
        Row(name: "keys were never asked for", keysAskedAgo: nil, keySet: true),
        Row(name: "no root is pinned", hasRoot: false, meetsUnknownKey: true, keysAskedAgo: nil),
        Row(name: "keys a second before a day", keysAskedAgo: 86_399),
        Row(name: "keys after a day", keysAskedAgo: 86_400, keySet: true),
        Row(name: "unknown key within 15 minutes", meetsUnknownKey: true, keysAskedAgo: 899),
        Row(name: "unknown key after 15 minutes", meetsUnknownKey: true, keysAskedAgo: 900, keySet: true),
        Row(name: "keys asked for in the future", keysAskedAgo: -5000, keySet: true),
        Row(name: "a list is named, none held", named: 1, list: true),
        Row(name: "no list was ever made", named: 0),
        Row(name: "a newer list", held: 4, named: 5, list: true),
        Row(name: "the list that is held", held: 5, named: 5),
        Row(name: "an older list", held: 5, named: 4),
        Row(name: "none is named", held: 5),
    ]

    @Test("keys once a day or once for an unknown one; the list when a newer one is named", arguments: rows)
    func table(row: Row) {
        let due = FollowUps.due(
            FollowUps.Facts(
                keysAsked: row.keysAskedAgo.map { Fixtures.now - $0 } ?? 0, now: Fixtures.now, hasRoot: row.hasRoot,
                meetsUnknownKey: row.meetsUnknownKey, heldSequence: row.held, namedSequence: row.named))
        #expect(due == FollowUps(keySet: row.keySet, list: row.list))
    }
}
