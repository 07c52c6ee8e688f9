import LicenseToken
import Primitives

/// The question to `POST /api/v1/installer/validate`.
struct ValidateQuestion: Sendable {
    var licenseKey: String
    var installation: Installation
    var product: String
    var applicationVersion: String?
    /// 16 fresh random bytes in base64url: it makes the service sign anew, and proves that nobody answers with
    /// something recorded earlier.
    var nonce: String
    /// The token that is held, sent only when the installation moved: it shows that the seat is its own.
    var token: String?

    /// The body. Members that are not known are left out: absent and null differ to the service.
    var json: [UInt8] {
        JSONWriter.object { json in
            json.member("license_key", licenseKey)
            if let domain = installation.domain { json.member("domain", domain) }
            if let address = installation.address { json.member("ip_address", address) }
            json.member("product", product)
            if let id = installation.installationID { json.member("installation_id", id) }
            if let applicationVersion { json.member("version", applicationVersion) }
            json.member("nonce", nonce)
            if let token { json.member("token", token) }
        }
    }
}

/// What the service said under status 200. Nothing of it is proven but the token, which is verified apart.
struct ValidateAnswer: Equatable, Sendable {
    var isValid: Bool
    var code: String
    var message = ""
    /// What the question's nonce was, as the service read it.
    var nonce: String?
    var actionURL: String?
    var token: String?
    var notices: [LicenseNotice] = []
    /// The sequence of the newest list of revoked licenses.
    var revocationSequence: Int64?

    /// Nil unless `bytes` are a strict JSON object with a truth value `valid` and a text `code`.
    init?(json bytes: [UInt8]) {
        // An unreadable answer is none, in whatever way it is unreadable.
        guard let object = try? JSONReader.read(bytes).objectValue, case .bool(let isValid) = object["valid"],
            let code = object["code"]?.stringValue
        else { return nil }
        self.isValid = isValid
        self.code = code
        message = object["message"]?.stringValue ?? ""
        nonce = object["nonce"]?.stringValue
        actionURL = object["action_url"]?.stringValue.flatMap(Self.shown)
        token = object["token"]?.stringValue
        notices = object["warnings"].map(LicenseNotice.list) ?? []
        revocationSequence = object["revocations"]?.objectValue?["sequence"]?.integerValue
    }

    init(isValid: Bool, code: String, token: String? = nil) {
        self.isValid = isValid
        self.code = code
        self.token = token
    }

    /// An address that may be shown as a link: no `javascript:` of an intruder.
    private static func shown(_ url: String) -> String? {
        let isWeb = url.hasPrefix("https://") || url.hasPrefix("http://")
        return isWeb && url == url.shortened ? url : nil
    }
}

/// Why a check brought nothing, in one sentence for the administrator.
struct CheckFailure: Error, Equatable, Sendable {
    let reason: String
    /// The status of an answer that was not 200.
    var status: Int?
}
