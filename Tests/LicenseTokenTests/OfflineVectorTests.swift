import LicenseToken
import Testing

@Suite("Published vectors of what works offline")
struct OfflineVectorTests {
    @Test("an offline key vector is accepted or refused as it says", arguments: try OfflineVectors.offlineKeys().cases)
    func offlineKey(row: OfflineVectors.OfflineKeys.Case) throws {
        let file = try OfflineVectors.offlineKeys()
        let pinned = try LicenseKeySet(jwks: Vectors.pinnedKeys())
        let names = OfflineKeyNames(
            product: file.names.product, number: file.names.number, types: file.names.types,
            features: file.names.features
        )
        #expect(names != nil)
        let verifier = OfflineKeyVerifier(
            keys: pinned, productNumber: row.productNumber, names: names,
            revocations: try row.list.map { try RevocationList(stored: $0, keys: pinned) }
        )
        let installation = Installation(
            domain: row.installation.domain, installationID: row.installation.installationId
        )
        do throws(LicenseTokenError) {
            let key = try OfflineKey(row.key)
            let license = try verifier.verify(key, for: installation, at: row.now ?? file.now)
            #expect(row.expect == "valid", "\(row.why)")
            try check(license, says: row.fields)
            #expect(key.bytes == (try OfflineKey(key.text)).bytes)
        } catch {
            #expect(error.code.rawValue == row.expect, "\(row.why): \(error)")
        }
    }

    private func check(
        _ license: VerifiedOfflineKey, says fields: OfflineVectors.OfflineKeys.Fields?
    ) throws(LicenseTokenError) {
        guard let fields else { return }
        #expect(license.licenseID == fields.license)
        #expect(license.productNumber == fields.productNumber)
        #expect(license.typeCode == fields.typeCode)
        #expect(license.activationsMax == fields.seats)
        #expect(license.issuedAt == fields.issuedAt)
        #expect(license.expiresAt == fields.expiresAt)
        #expect(license.featureBits == UInt64(fields.featureBits, radix: 16))
        let bindings: [String: LicenseBinding] = ["": [], "domain": .domain, "installation_id": .installation]
        #expect(license.binding == bindings[fields.bound])
        #expect(license.licenseType == fields.type)
        #expect(license.features == fields.features)
    }

    @Test("a license file vector gives its token or is refused", arguments: try OfflineVectors.licenseFiles())
    func licenseFile(row: OfflineVectors.LicenseFile) {
        do throws(LicenseTokenError) {
            let file = try LicenseFile(row.file)
            #expect(row.expect == "valid", "\(row.why)")
            #expect(file.token.text == row.token)
        } catch {
            #expect(error.code.rawValue == row.expect, "\(row.why): \(error)")
        }
    }

    @Test("a request vector is read or refused as it says", arguments: try OfflineVectors.requests())
    func request(row: OfflineVectors.Request) {
        do throws(LicenseTokenError) {
            let request = try LicenseRequest(row.request)
            #expect(row.expect == "valid", "\(row.why)")
            #expect(request.product == row.fields?.product)
            #expect(request.keyLast4 == row.fields?.last4)
            #expect(request.domain == row.fields?.domain)
            #expect(request.address == row.fields?.ip)
            #expect(request.installationID == row.fields?.inst)
            #expect(request.nonce == row.fields?.nonce)
            #expect(request.madeAt == row.fields?.iat)
            #expect(try LicenseRequest(request.text) == request)
        } catch {
            #expect(error.code.rawValue == row.expect, "\(row.why): \(error)")
        }
    }

    @Test("a list vector is taken in or refused as it says", arguments: try OfflineVectors.statusLists().cases)
    func list(row: OfflineVectors.StatusLists.Case) throws {
        let now = try OfflineVectors.statusLists().now
        let pinned = try LicenseKeySet(jwks: Vectors.pinnedKeys())
        do throws(LicenseTokenError) {
            let list = try RevocationList(received: row.list, keys: pinned, issuer: row.issuer, at: row.now ?? now)
            #expect(row.expect == "valid", "\(row.why)")
            let fields = row.fields
            #expect(list.sequence == fields?.seq)
            #expect(fields?.revoked.allSatisfy { list.revokes(statusIndex: $0) } == true)
            #expect(fields?.notRevoked.contains { list.revokes(statusIndex: $0) } == false)
            #expect(list.endedActivationIDs == Set(fields?.ended ?? []))
            #expect(list.revokedOfflineLicenseIDs == Set(fields?.revokedOffline ?? []))
        } catch {
            #expect(error.code.rawValue == row.expect, "\(row.why): \(error)")
        }
    }

    @Test("a token vector beside a list gives what it says", arguments: try OfflineVectors.statusLists().tokens)
    func revokedToken(row: OfflineVectors.StatusLists.TokenCase) throws {
        let pinned = try LicenseKeySet(jwks: Vectors.pinnedKeys())
        let verifier = LicenseTokenVerifier(
            keys: pinned, issuer: "signet", product: "whm-panel",
            revocations: try RevocationList(stored: row.list, keys: pinned)
        )
        let refusal = Fixtures.refusal(of: LicenseToken(row.token), by: verifier, at: row.now)
        #expect(refusal?.rawValue ?? "valid" == row.expect, "\(row.why)")
    }

    #if os(Linux)
    @Test("the first offline key, made in Python, is the one that the signer makes of its fields, byte by byte")
    func sameBytes() throws {
        let first = try #require(try OfflineVectors.offlineKeys().cases.first)
        let key = try OfflineKeySigner(key: Fixtures.key()).sign(Fixtures.offlineFacts())
        #expect(key.text == first.key)
    }
    #endif
}
