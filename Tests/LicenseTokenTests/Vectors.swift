import Foundation
import Testing

/// The files of `Vectors/`, which verifiers in other languages read too.
enum Vectors {
    /// One token, a verifier's situation, and `valid` or the code of the refusal.
    struct Token: Decodable, Sendable, CustomTestStringConvertible {
        struct Installation: Decodable, Sendable {
            let domain: String?
            let address: String?
            let installationID: String?

            private enum CodingKeys: String, CodingKey {
                case domain
                case address
                case installationID = "installation_id"
            }
        }

        let name: String
        let token: String
        let installation: Installation
        let product: String?
        let issuer: String?
        /// Unix seconds; absent where the file's common `now` holds.
        let now: Int64?
        let expect: String
        let why: String

        var testDescription: String { name }
    }

    /// One JWK set and the key ids it gives, or null if it is refused.
    struct KeySet: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let jwks: String
        let expect: [String]?

        var testDescription: String { name }
    }

    /// One Ed25519 signature, everything in hexadecimal.
    struct Signature: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let publicKey: String
        let message: String
        let signature: String
        let valid: Bool

        private enum CodingKeys: String, CodingKey {
            case name
            case publicKey = "public_key"
            case message
            case signature
            case valid
        }

        var testDescription: String { name }
    }

    private struct File<Case: Decodable>: Decodable {
        let now: Int64?
        let cases: [Case]
    }

    /// Every case of `tokens.json`, each with the instant at which it is verified.
    static func tokens() throws -> [(Token, now: Int64)] {
        let file: File<Token> = try decoded("tokens.json")
        return try file.cases.map { row in
            guard let now = row.now ?? file.now else { throw MissingInstant(vector: row.name) }
            return (row, now)
        }
    }

    static func keySets() throws -> [KeySet] { try (decoded("key-sets.json") as File<KeySet>).cases }

    static func signatures() throws -> [Signature] { try (decoded("ed25519.json") as File<Signature>).cases }

    /// The pinned set of every token vector.
    static func pinnedKeys() throws -> [UInt8] { Array(try contents("keys.json")) }

    private struct MissingInstant: Error {
        let vector: String
    }

    /// One file's value; `snakeCase`: its members are named `like_this`.
    static func decoded<Value: Decodable>(_ file: String, snakeCase: Bool = false) throws -> Value {
        let decoder = JSONDecoder()
        if snakeCase { decoder.keyDecodingStrategy = .convertFromSnakeCase }
        return try decoder.decode(Value.self, from: contents(file))
    }

    private static func contents(_ file: String) throws -> Data {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")
        return try Data(contentsOf: folder.appending(path: file))
    }
}
