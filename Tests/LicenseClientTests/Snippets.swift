import LicenseClient
import LicenseToken

// The code of the documentation pages (Sources/*/*.docc), compiled: SnippetTests compares the texts. What stands around
// a snippet is what its page takes for granted.

private let pinnedKeys = ""
private let pinnedRoot = ""

private struct Stored {
    let licenseKey = ""
    let domain = ""
    let installationID = ""
}

private let stored = Stored()
private func enable(_ features: [String]) {}
private func renew() {}
private func report(_ text: String) {}
private func store(_ text: String) {}
private func show(_ text: String) {}
private func log(_ text: String) {}
private func closeTheAdminArea(saying text: String = "") {}

// MARK: LicenseToken

private func landing(text: String, installation: Installation, unixSeconds: Int64) throws {
    let keys = try LicenseKeySet(jwks: pinnedKeys)
    let verifier = LicenseTokenVerifier(keys: keys, issuer: "signet", product: "whm-panel")
    let license = try verifier.verify(LicenseToken(text), for: installation, at: unixSeconds)
    enable(license.features)
}

private func verify(text: String, unixSeconds: Int64) throws {
    let keys = try LicenseKeySet(jwks: pinnedKeys)
    let installation = Installation(domain: "shop.example.com", installationID: "panel-7f3a")
    let verifier = LicenseTokenVerifier(keys: keys, issuer: "signet", product: "whm-panel")
    do throws(LicenseTokenError) {
        let license = try verifier.verify(LicenseToken(text), for: installation, at: unixSeconds)
        enable(license.features)
    } catch {
        switch error.code {
        case .expired: renew()
        case .notYetValid: report("Is the clock right? \(error.reason)")
        default: report(error.reason)
        }
    }
}

private func revocations(
    answer: String, keys: LicenseKeySet, held: inout RevocationList?, unixSeconds: Int64
) throws -> LicenseTokenVerifier {
    let list = try RevocationList(received: answer, keys: keys, issuer: "signet", at: unixSeconds)
    if list.isNewer(than: held) { held = list }
    let strict = LicenseTokenVerifier(keys: keys, issuer: "signet", product: "whm-panel", revocations: held)
    return strict
}

private func keySets(document: String, held: SignedKeySet?, unixSeconds: Int64) throws {
    let root = try TrustedRoot(jwk: pinnedRoot)
    do throws(LicenseTokenError) {
        let set = try root.accept(document, over: held, issuer: "signet", at: unixSeconds)
        store(set.document)
    } catch {
        report("The key set was not taken in: \(error.reason)")
    }
}

private func restoring(_ root: TrustedRoot, stored: String?, pinned: LicenseKeySet) -> LicenseTokenVerifier {
    let set = stored.flatMap { try? root.restore($0) }
    let verifier = LicenseTokenVerifier(keys: set?.keys ?? pinned, issuer: "signet", product: "whm-panel")
    return verifier
}

// MARK: LicenseClient

private func clientLanding(_ configuration: LicenseClient.Configuration) {
    let client = LicenseClient(configuration)
    let checks = Task { await client.run() }
    if !client.status().isUsable { closeTheAdminArea() }
    checks.cancel()
}

private func configured() -> LicenseClient {
    var configuration = LicenseClient.Configuration(
        licenseKey: stored.licenseKey,
        product: "whm-panel",
        issuer: "signet",
        pinnedKeys: pinnedKeys,
        pinnedRoot: pinnedRoot,
        servers: ["https://license.example.com", "https://license2.example.com"],
        cacheDirectory: "/var/lib/whm-panel/license",
        domain: stored.domain
    )
    configuration.installationID = stored.installationID
    configuration.applicationVersion = "4.2.0"
    let client = LicenseClient(configuration)
    return client
}

private func installing(_ client: LicenseClient) async -> RefreshOutcome {
    let outcome = await client.refreshIfDue(force: true)
    return outcome
}

private func looping(_ client: LicenseClient) {
    let checks = Task { await client.run() }
    checks.cancel()
}

private func acting(_ client: LicenseClient) {
    let status = client.status()
    if !status.isUsable {
        closeTheAdminArea(saying: status.message)
    }
    for warning in status.warnings { log(warning) }
}

private func asking(_ client: LicenseClient) throws {
    let request = try client.makeRequest(keyLast4: "3MXE")
    show(request.text)
}

private func carrying(_ client: LicenseClient, file: String) async throws {
    switch try await client.adopt(licenseFile: file) {
    case .updated: show("Licensed.")
    case .kept: show("The license that is here lasts longer.")
    default: show("The directory of the license cannot be written.")
    }
}

private func carrying(_ client: LicenseClient, keys: String, list: String) async throws {
    _ = try await client.adopt(keySet: keys)
    _ = try await client.adopt(revocationList: list)
}

/// An HTTP client such as applications have.
protocol ConnectionPool: Sendable {
    func send(
        method: String, url: String, json: [UInt8]?, timeout: Duration, followsRedirects: Bool, bytesMax: Int
    ) async throws -> (status: Int, body: [UInt8])
}

struct PooledTransport: LicenseTransport {
    let pool: any ConnectionPool

    func send(_ request: TransportRequest, within limit: Duration) async throws -> TransportAnswer {
        let answer = try await pool.send(
            method: request.method, url: request.url, json: request.body, timeout: limit, followsRedirects: false,
            bytesMax: request.answerBytesMax)
        return TransportAnswer(status: answer.status, body: answer.body)
    }
}
