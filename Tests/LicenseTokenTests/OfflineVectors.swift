import Testing

/// The files of `Vectors/` about what works without a network.
enum OfflineVectors {
    /// `offline-keys.json`.
    struct OfflineKeys: Decodable {
        struct Names: Decodable {
            let product: String
            let number: UInt32
            let types: [String: UInt8]
            let features: [String: UInt8]
        }

        struct Installation: Decodable, Sendable {
            let domain: String?
            let installationId: String?
        }

        struct Fields: Decodable, Sendable {
            let license: String
            let productNumber: UInt32
            let typeCode: UInt8
            let seats: Int64
            let issuedAt: Int64
            let expiresAt: Int64?
            /// 16 hexadecimal digits: not every reader has integers of 64 bits.
            let featureBits: String
            /// `domain`, `installation_id` or empty.
            let bound: String
            let type: String?
            let features: [String]
        }

        struct Case: Decodable, Sendable, CustomTestStringConvertible {
            let name: String
            let key: String
            let productNumber: UInt32
            let installation: Installation
            let now: Int64?
            /// A list of revoked licenses that the verifier holds.
            let list: String?
            let expect: String
            let fields: Fields?
            let why: String

            var testDescription: String { name }
        }

        let now: Int64
        let names: Names
        let cases: [Case]
    }

    /// One case of `license-files.json`.
    struct LicenseFile: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let file: String
        let expect: String
        let token: String?
        let why: String

        var testDescription: String { name }
    }

    /// One case of `requests.json`.
    struct Request: Decodable, Sendable, CustomTestStringConvertible {
        struct Fields: Decodable, Sendable {
            let product: String
            let last4: String?
            let domain: String?
            let ip: String?
            let inst: String?
            let nonce: String
            let iat: Int64
        }

        let name: String
        let request: String
        let expect: String
        let fields: Fields?
        let why: String

        var testDescription: String { name }
    }

    /// `status-lists.json`.
    struct StatusLists: Decodable {
        struct Fields: Decodable, Sendable {
            let seq: Int64
            let revoked: [Int64]
            let notRevoked: [Int64]
            let ended: [String]
            let revokedOffline: [String]
        }

        struct Case: Decodable, Sendable, CustomTestStringConvertible {
            let name: String
            let list: String
            let issuer: String?
            let now: Int64?
            let expect: String
            let fields: Fields?
            let why: String

            var testDescription: String { name }
        }

        /// A token and the list that its verifier holds.
        struct TokenCase: Decodable, Sendable, CustomTestStringConvertible {
            let name: String
            let token: String
            let list: String
            let now: Int64
            let expect: String
            let why: String

            var testDescription: String { name }
        }

        let now: Int64
        let cases: [Case]
        let tokens: [TokenCase]
    }

    private struct File<Case: Decodable>: Decodable {
        let cases: [Case]
    }

    static func offlineKeys() throws -> OfflineKeys { try Vectors.decoded("offline-keys.json", snakeCase: true) }

    static func licenseFiles() throws -> [LicenseFile] {
        try (Vectors.decoded("license-files.json") as File<LicenseFile>).cases
    }

    static func requests() throws -> [Request] { try (Vectors.decoded("requests.json") as File<Request>).cases }

    static func statusLists() throws -> StatusLists { try Vectors.decoded("status-lists.json", snakeCase: true) }
}
