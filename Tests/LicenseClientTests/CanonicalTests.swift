import Primitives
import Testing

@testable import LicenseClient

@Suite("What people type")
struct CanonicalTests {
    struct Row: Sendable {
        let input: String
        let expect: String?
    }

    static func rows(_ name: String) throws -> [Row] {
        try (Fixtures.vectors("inputs.json")[name]?.arrayValue ?? []).compactMap(\.objectValue).map { row in
            Row(input: row["input"]?.stringValue ?? "", expect: row["expect"]?.stringValue)
        }
    }

    @Test("every domain of the vectors has its published form")
    func domains() throws {
        let rows = try Self.rows("domains")
        #expect(rows.count > 40)
        for row in rows { #expect(LicenseClient.canonicalDomain(row.input) == row.expect, "\(row.input)") }
    }

    @Test("every address of the vectors has its published form")
    func addresses() throws {
        let rows = try Self.rows("addresses")
        #expect(rows.count > 15)
        for row in rows { #expect(LicenseClient.canonicalAddress(row.input) == row.expect, "\(row.input)") }
    }

    @Test("reading a canonical domain again changes nothing")
    func twice() throws {
        for row in try Self.rows("domains") {
            guard let canonical = LicenseClient.canonicalDomain(row.input) else { continue }
            #expect(LicenseClient.canonicalDomain(canonical) == canonical)
        }
    }

    @Test("a name outside ASCII is no domain, its A-label is one")
    func international() {
        #expect(LicenseClient.canonicalDomain("b\u{FC}cher.example") == nil)
        #expect(LicenseClient.canonicalDomain("XN--bcher-kva.example") == "xn--bcher-kva.example")
    }

    @Test("an address is written as RFC 5952 says, whatever the system's writer does")
    func ipv6() {
        #expect(LicenseClient.canonicalAddress("::0102:0304") == "::102:304")
        #expect(LicenseClient.canonicalAddress("1:0:0:2:0:0:0:3") == "1:0:0:2::3")
        #expect(LicenseClient.canonicalAddress("1:0:0:2:3:0:0:4") == "1::2:3:0:0:4")
        #expect(LicenseClient.canonicalAddress("1:0:2:3:4:5:6:7") == "1:0:2:3:4:5:6:7")
        #expect(LicenseClient.canonicalAddress("192.0.2.1\u{0}") == nil)
    }

    @Test("license keys of the vectors: well-formed ones are, malformed ones are not")
    func licenseKeys() throws {
        let keys = try #require(Fixtures.vectors("inputs.json")["license_keys"]?.objectValue)
        let list: (String) -> [String] = { keys[$0]?.arrayValue?.compactMap(\.stringValue) ?? [] }
        #expect(list("well_formed").count > 10)
        #expect(list("malformed").count > 30)
        for key in list("well_formed") { #expect(LicenseClient.isWellFormed(licenseKey: key), "\(key)") }
        for key in list("malformed") { #expect(!LicenseClient.isWellFormed(licenseKey: key), "\(key)") }
    }

    @Test("a prefix is passed over, its key is checked; an offline key is one too")
    func otherFormats() throws {
        #expect(LicenseClient.isWellFormed(licenseKey: "WHM-\(Fixtures.licenseKey)"))
        #expect(!LicenseClient.isWellFormed(licenseKey: "WHM-8C4Q-PTV1-0YKB-3MXE"))
        #expect(!LicenseClient.isWellFormed(licenseKey: "W-\(Fixtures.licenseKey)"))
        let offline = try #require(Fixtures.vectors("offline-keys.json")["cases"]?.arrayValue?.first?.objectValue)
        let text = try #require((offline["key"] ?? offline["text"])?.stringValue)
        #expect(LicenseClient.isWellFormed(licenseKey: text))
        #expect(!LicenseClient.isWellFormed(licenseKey: String(text.dropLast(3))))
    }
}
