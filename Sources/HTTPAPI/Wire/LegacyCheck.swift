import HTTPTypes
import Licensing
import Primitives

/// A check as clients of WHMCS's licensing addon send it.
struct LegacyCheck {
    /// Bytes of a field.
    static let fieldBytesMax = 1024
    /// Bytes of `check_token`; clients send 42.
    static let tokenBytesMax = 256

    let request: ValidationRequest
    /// As they were sent, for the answer.
    let domain: [UInt8]
    let address: [UInt8]
    let directory: [UInt8]
    /// What the client will know the answer by; empty when it does not ask.
    let checkToken: [UInt8]

    /// Throws `Problem` with status 400 when it does not say who asks, or says something that cannot be answered as it
    /// was sent: then nothing is said about the license, and the client goes on with what it knows.
    init(_ form: FormBody, peer: CanonicalAddress) throws(Problem) {
        (domain, address, directory) = (form["domain"], form["ip"], form["dir"])
        checkToken = form["check_token"]
        guard [domain, address, directory].allSatisfy({ $0.count <= Self.fieldBytesMax && Self.isSafe($0) }),
            checkToken.count <= Self.tokenBytesMax, form["licensekey"].count <= Self.fieldBytesMax,
            let key = String(validating: form["licensekey"], as: UTF8.self),
            let installation = Self.installation(domain, address, peer: peer)
        else { throw Problem(of: .badRequest) }
        request = ValidationRequest(
            licenseKey: key, installation: installation, product: nil, nonce: nil, activates: true)
    }

    /// Who asks; without an address, the one it is seen at. Nil for what is no domain or no address.
    private static func installation(
        _ domain: [UInt8], _ address: [UInt8], peer: CanonicalAddress
    ) -> Installation? {
        guard let text = String(validating: domain, as: UTF8.self), let domain = try? CanonicalDomain(text) else {
            return nil
        }
        let claimed = CanonicalAddress(String(decoding: address, as: UTF8.self))
        guard let address = address.isEmpty ? peer : claimed else { return nil }
        return Installation(domain: domain, installationID: nil, address: address, peer: peer)
    }

    /// Whether a value may stand between two tags as it is: no tag and no line can begin in it.
    private static func isSafe(_ value: [UInt8]) -> Bool {
        value.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }
    }
}
