import LicenseToken
import Testing

@Suite("License files and requests")
struct LicenseFileTests {
    @Test("a file is its lines for people, a blank line, and the token in lines of 64")
    func golden() throws {
        let file = LicenseFile(
            token: LicenseToken(String(repeating: "a", count: 70)),
            headers: [.init(name: "Product", value: "whm-panel"), .init(name: "Domain", value: "example.com")]
        )
        #expect(
            file.text == """
                -----BEGIN SIGNET LICENSE-----
                Product: whm-panel
                Domain: example.com

                aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
                aaaaaa
                -----END SIGNET LICENSE-----

                """
        )
        #expect(try LicenseFile(file.text) == file)
        #expect(LicenseFile.isLikely(file.text) && !LicenseFile.isLikely("7C4Q-PTV1-0YKB-3MXE"))
    }

    @Test("the token of a file is a license where the token is, and every beginning of the file is refused")
    func holds() throws {
        let text = LicenseFile(token: try Fixtures.token(), headers: [.init(name: "A", value: "b")]).text
        let license = try Fixtures.verifier().verify(LicenseFile(text).token, for: Fixtures.acme, at: Fixtures.now)
        #expect(license.domain == "example.com")
        for count in 0..<text.utf8.count - 1 {
            #expect(throws: LicenseTokenError.self) { try LicenseFile(String(text.prefix(count))) }
        }
    }

    @Test("a line that could not be read back is not written")
    func unwritable() {
        let headers: [LicenseFile.Header] = [
            .init(name: "Domain", value: "b\u{fc}cher.example.com"), .init(name: "Note", value: "a\nb"),
            .init(name: "", value: "x"), .init(name: "Note", value: ""), .init(name: "Good", value: "x"),
        ]
        #expect(LicenseFile(token: LicenseToken("a"), headers: headers).headers == [.init(name: "Good", value: "x")])
    }

    @Test("every flip of a single bit in a request is told")
    func requestFlips() throws {
        var generator = SeededGenerator(seed: 5)
        let request = try LicenseRequest(
            product: "whm-panel", keyLast4: "3MXE", installation: Fixtures.acme,
            nonce: LicenseRequest.nonce(using: &generator), madeAt: Fixtures.now
        )
        #expect(try LicenseRequest(request.text) == request)
        let text = Array(request.text.utf8)
        for bit in 0..<text.count * 8 {
            var altered = text
            altered[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: LicenseTokenError.self, "bit \(bit)") {
                try LicenseRequest(String(decoding: altered, as: UTF8.self))
            }
        }
        #expect(LicenseRequest.nonce() != LicenseRequest.nonce())
    }
}
