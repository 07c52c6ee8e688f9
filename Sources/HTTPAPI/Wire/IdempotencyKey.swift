import Access
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives

extension HTTPFields {
    /// Characters of an Idempotency-Key.
    static let idempotencyKeyLengthMax = 255

    /// The Idempotency-Key, or nil without one. Throws `InvalidInput` for anything but 1…255 visible ASCII characters.
    func idempotencyKey() throws -> String? {
        let keys = self[values: .idempotencyKey]
        guard let key = keys.first else { return nil }
        guard keys.count == 1, (1...Self.idempotencyKeyLengthMax).contains(key.utf8.count),
            key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw InvalidInput(
                "Idempotency-Key",
                "must be there once, with 1 to \(Self.idempotencyKeyLengthMax) visible ASCII characters")
        }
        return key
    }
}

extension KeptAnswer {
    /// The same status and body again, marked as such.
    var response: Response {
        var response = Response.json(body, status: .init(code: status))
        response.headers[.idempotencyReplayed] = "true"
        return response
    }
}

extension HTTPField.Name {
    static let idempotencyKey = known("Idempotency-Key")
    fileprivate static let idempotencyReplayed = known("Idempotency-Replayed")

    private static func known(_ name: String) -> Self {
        guard let name = Self(name) else { preconditionFailure("a valid field name (RFC 9110 §5.1)") }
        return name
    }
}
