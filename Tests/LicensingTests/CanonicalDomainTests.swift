import Licensing
import Testing

@Suite("A canonical domain")
struct CanonicalDomainTests {
    /// Every row, and those whose text is a domain.
    static let rows = TextTable("domains.txt").rows
    static let accepted = rows.filter { !$0["result"].hasPrefix("!") }

    @Test("is the one spelling of a place, or a refusal that says what is wrong", arguments: rows)
    func result(row: TextTable.Row) {
        #expect(outcome(of: row["input"]) == row["result"])
    }

    @Test("is free for development by its name alone, and counts otherwise", arguments: accepted)
    func host(row: TextTable.Row) throws {
        #expect(try CanonicalDomain(row["input"]).isDevelopment == (row["host"] == "free"))
    }

    @Test("read again gives itself, from the identity and from the form for people", arguments: accepted)
    func idempotence(row: TextTable.Row) throws {
        let domain = try CanonicalDomain(row["input"])
        #expect(try CanonicalDomain(domain.ascii) == domain)
        #expect(try CanonicalDomain(domain.display) == domain)
    }

    @Test(
        "shows people Unicode",
        arguments: [
            ("xn--bcher-kva.example", "bücher.example"),
            ("www.xn--fa-hia.de", "faß.de"),
            ("XN--R8JZ45G.xn--zckzah", "例え.テスト"),
            ("v2--site.netlify.app", "v2--site.netlify.app"),
            ("example.com", "example.com"),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("203.0.113.7", "203.0.113.7"),
        ])
    func display(text: String, shown: String) throws {
        #expect(try CanonicalDomain(text).display == shown)
    }

    @Test("knows its address only when it is one")
    func address() throws {
        #expect(try CanonicalDomain("[::ffff:203.0.113.7]:80").address == CanonicalAddress("203.0.113.7"))
        #expect(try CanonicalDomain("example.com").address == nil)
        let address = try #require(CanonicalAddress("2001:db8::1"))
        #expect(try CanonicalDomain("2001:db8::1") == CanonicalDomain(address))
    }

    @Test("has a row for every refusal", arguments: CanonicalDomain.Refusal.allCases)
    func everyRefusalIsShown(refusal: CanonicalDomain.Refusal) {
        #expect(Self.rows.contains { $0["result"] == "!\(refusal.rawValue)" })
    }

    @Test("gives each refusal a reason of its own")
    func reasons() {
        let reasons = CanonicalDomain.Refusal.allCases.map(\.reason)
        #expect(Set(reasons).count == reasons.count)
        #expect(
            CanonicalDomain.Refusal.labelTooLong.reason == "has a label of more than 63 characters in its ASCII form")
    }

    /// The identity, or `!` and the refusal, as the table writes it.
    private func outcome(of text: String) -> String {
        do throws(CanonicalDomain.Refusal) {
            return try CanonicalDomain(text).ascii
        } catch {
            return "!\(error.rawValue)"
        }
    }
}
