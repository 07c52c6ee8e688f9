import Foundation
import LicenseToken
import Primitives
import Synchronization
import TestSupport

@testable import LicenseClient

/// Keys, tokens and documents with fixed values.
enum Fixtures {
    /// 2027-01-15T08:00:00Z, as in the vectors.
    static let now: Int64 = 1_800_000_000
    static let hour: Int64 = 3600
    static let day: Int64 = 86_400
    static let licenseKey = "7C4Q-PTV1-0YKB-3MXE"

    /// Signs tokens and lists; pinned.
    static func signingKey() throws -> SigningKey { try SigningKey(seed: [UInt8](repeating: 1, count: 32)) }
    /// Signs after a rotation; not pinned.
    static func nextKey() throws -> SigningKey { try SigningKey(seed: [UInt8](repeating: 2, count: 32)) }
    static func rootKey() throws -> SigningKey { try SigningKey(seed: [UInt8](repeating: 3, count: 32)) }
    static func stranger() throws -> SigningKey { try SigningKey(seed: [UInt8](repeating: 4, count: 32)) }

    static func jwks() throws -> String {
        String(decoding: JSONWebKeySet.encode([try signingKey().publicRecord]), as: UTF8.self)
    }

    static func root() throws -> String {
        String(decoding: JSONWebKeySet.jwk(try rootKey().publicRecord), as: UTF8.self)
    }

    static func claims(
        issuedAt: Int64 = now, expiresAt: Int64? = nil, domain: String? = "example.com", installationID: String? = nil,
        product: String = "whm-panel", version: Int64 = 1, statusIndex: Int64 = 17, nonce: String? = nil,
        nextCheckAt: Int64? = nil, binding: LicenseBinding = .domain
    ) -> LicenseClaims {
        LicenseClaims(
            issuer: "signet", licenseID: "lic_0Q5SZ3MHT8V1D", product: product, tokenID: "AAECAwQFBgcICQoLDA0ODw",
            issuedAt: issuedAt, expiresAt: expiresAt ?? issuedAt + 14 * day, licenseExpiresAt: nil, graceSeconds: 0,
            licenseType: "professional", activationsMax: 1, activationsUsed: 1, features: ["whm", "billing"],
            domain: domain, address: "192.0.2.10", installationID: installationID, activationID: "act_0Z7K2N4P9R3TB",
            licenseVersion: version, statusIndex: statusIndex, nonce: nonce, nextCheckAt: nextCheckAt ?? issuedAt + day,
            serverTime: issuedAt, binding: binding)
    }

    static func token(_ claims: LicenseClaims = claims(), by key: SigningKey? = nil) throws -> String {
        String(decoding: try LicenseTokenSigner(key: key ?? signingKey()).sign(claims), as: UTF8.self)
    }

    static func verified(_ claims: LicenseClaims = claims()) throws -> VerifiedLicense {
        let verifier = LicenseTokenVerifier(keys: try LicenseKeySet(jwks: jwks()))
        let here = Installation(domain: claims.domain, installationID: claims.installationID)
        return try verifier.verify(LicenseToken(token(claims)), for: here, at: claims.issuedAt)
    }

    /// A list of revoked licenses.
    static func list(
        _ sequence: Int64, revoking indices: [Int64], issuedAt: Int64 = now, by key: SigningKey? = nil
    ) throws -> String {
        let contents = RevocationContents(
            issuer: "signet", address: "https://license.example.com/api/v1/installer/revocations", sequence: sequence,
            issuedAt: issuedAt, expiresAt: issuedAt + 400 * day, timeToLiveSeconds: 43_200, endedActivationIDs: [],
            revokedOfflineLicenseIDs: [])
        let signer = RevocationListSigner(key: try key ?? signingKey())
        return String(decoding: try signer.sign(contents, revoking: indices), as: UTF8.self)
    }

    /// A key set signed by the root, or by `signer`.
    static func keySet(
        _ sequence: Int64, keys: [SigningKey], revoked: [SigningKey] = [], issuedAt: Int64 = now, lifeDays: Int64 = 180,
        by signer: SigningKey? = nil
    ) throws -> String {
        let claims = KeySetClaims(
            issuer: "signet", sequence: sequence, issuedAt: issuedAt, expiresAt: issuedAt + lifeDays * day,
            keys: keys.map(\.publicRecord), revoked: revoked.map { RevokedKey(keyID: $0.keyID, at: issuedAt) })
        return try KeySetSigner(root: signer ?? rootKey()).sign(claims)
    }

    /// The text of a vector file.
    static func vectors(_ name: String) throws -> JSONObject {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: folder.appending(path: "LicenseTokenTests/Vectors/\(name)"))
        return try JSONReader.read(Array(data)).objectValue ?? JSONObject()
    }
}

/// A time that tests move.
final class MovableClock: Sendable {
    private let time: Mutex<Int64>

    init(_ start: Int64 = Fixtures.now) { time = Mutex(start) }

    var now: Int64 {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }
}

/// A service that answers by a script, and keeps what it was asked.
final class ScriptedService: LicenseTransport {
    typealias Answer = @Sendable (TransportRequest) async throws -> TransportAnswer

    private struct State: Sendable {
        var answer: Answer
        var keySet: String?
        var list: String?
        var requests: [TransportRequest] = []
    }

    private let state: Mutex<State>

    init(_ answer: @escaping Answer = ScriptedService.valid()) { state = Mutex(State(answer: answer)) }

    /// What `POST` is answered.
    func answers(_ answer: @escaping Answer) { state.withLock { $0.answer = answer } }

    /// What the key set's and the list's addresses answer; nil is 404.
    func publishes(keySet: String? = nil, list: String? = nil) {
        state.withLock { ($0.keySet, $0.list) = (keySet, list) }
    }

    var requests: [TransportRequest] { state.withLock { $0.requests } }

    /// The paths that were asked since the last call.
    func takePaths() -> [String] {
        state.withLock { state in
            defer { state.requests = [] }
            return state.requests.map { URL(string: $0.url)?.lastPathComponent ?? "" }
        }
    }

    func send(_ request: TransportRequest, within limit: Duration) async throws -> TransportAnswer {
        let answer: Answer = state.withLock { state in
            state.requests.append(request)
            let published = request.url.hasSuffix("/keys") ? state.keySet : state.list
            guard request.method == "GET" else { return state.answer }
            return { _ in TransportAnswer(status: published == nil ? 404 : 200, body: Array((published ?? "").utf8)) }
        }
        return try await answer(request)
    }
}

extension ScriptedService {
    /// The nonce in a request.
    static func nonce(in request: TransportRequest) -> String? { member("nonce", of: request)?.stringValue }

    static func member(_ name: String, of request: TransportRequest) -> JSONValue? {
        (try? JSONReader.read(request.body ?? []).objectValue)?[name]
    }

    /// `valid: true` with the token that `token` makes of the nonce.
    static func valid(
        code: String = "VALID", sequence: Int64? = nil,
        token: @escaping @Sendable (_ nonce: String?) throws -> String? = {
            try Fixtures.token(Fixtures.claims(nonce: $0))
        }
    ) -> Answer {
        { request in
            let nonce = nonce(in: request)
            let token = try token(nonce)
            return json { body in
                body.member("valid", true)
                body.member("code", code)
                body.member("message", "The license is valid.")
                body.member("nonce", nonce)
                body.member("token", token)
                if let sequence { body.member("revocations") { $0.member("sequence", sequence) } }
            }
        }
    }

    static func refusal(_ code: String, status: Int = 200) -> Answer {
        { request in
            json(status: status) { body in
                body.member("valid", false)
                body.member("code", code)
                body.member("message", "Refused: \(code).")
                body.member("action_url", "https://example.com/renew")
                body.member("nonce", nonce(in: request))
                body.member("token", nil as String?)
            }
        }
    }

    static func raw(_ status: Int, _ text: String) -> Answer {
        { _ in TransportAnswer(status: status, body: Array(text.utf8)) }
    }

    static let dead: Answer = { _ in throw TransportFailure("no connection to license.example.com") }

    private static func json(status: Int = 200, _ body: (inout JSONWriter) -> Void) -> TransportAnswer {
        TransportAnswer(status: status, body: JSONWriter.object(body))
    }
}

/// One installation: its directory, its clock, its service. `client()` makes a client as a new process would.
struct Site {
    let directory: TemporaryDirectory
    let clock = MovableClock()
    let service = ScriptedService()
    var configuration: LicenseClient.Configuration

    init() throws {
        directory = try TemporaryDirectory()
        configuration = LicenseClient.Configuration(
            licenseKey: Fixtures.licenseKey, product: "whm-panel", issuer: "signet", pinnedKeys: try Fixtures.jwks(),
            pinnedRoot: try Fixtures.root(), servers: ["https://license.example.com/"],
            cacheDirectory: directory.path(of: "license"), domain: "example.com")
        configuration.address = "192.0.2.10"
        // A busy machine must not look like a slow service.
        configuration.timeout = .seconds(300)
    }

    func client(seed: UInt64? = nil) -> LicenseClient {
        guard let seed else { return LicenseClient(configuration, transport: service, clock: { [clock] in clock.now }) }
        let generator = Generator(seed)
        return LicenseClient(
            configuration, transport: service, clock: { [clock] in clock.now }, random: { generator.next() })
    }

    /// A seeded generator behind a lock.
    private final class Generator: Sendable {
        private let generator: Mutex<SeededGenerator>
        init(_ seed: UInt64) { generator = Mutex(SeededGenerator(seed: seed)) }
        func next() -> UInt64 { generator.withLock { $0.next() } }
    }
}
