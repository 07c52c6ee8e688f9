import HTTPTypes
import Hummingbird
import Licensing
import Primitives

extension Members {
    /// What becomes of a member that may be empty: absent keeps it, null and the empty string empty it, and anything
    /// else is taken by `read`.
    mutating func edit<Value>(_ name: String, _ read: (inout Members) -> Value?) -> Edit<Value?> {
        guard isSent(name) else { return .keep }
        // Also what is null is asked for; what cannot be taken is refused, and whatever stands here is never used.
        return .set(read(&self))
    }

    /// What becomes of a member that is never empty: absent keeps it.
    mutating func requiredEdit(_ name: String) -> Edit<String> {
        isSent(name) ? .set(requiredString(name)) : .keep
    }

    /// The version that is to be changed: the member `version`, or what `precondition` names, if either does.
    mutating func version(_ precondition: Int64?) -> Int64? { integer("version").map { Int64($0) } ?? precondition }
}

extension Request {
    /// The version that If-Match names, as `"7"`; nil without the field, and for `*`. Throws `InvalidInput`.
    func versionPrecondition() throws(InvalidInput) -> Int64? {
        guard let text = headers[.ifMatch], text != "*" else { return nil }
        guard text.utf8.count >= 3, text.hasPrefix("\""), text.hasSuffix("\""),
            let version = Int64(text.dropFirst().dropLast())
        else { throw InvalidInput("If-Match", #"must be the version of the record in quotes, such as "7", or *"#) }
        return version
    }
}

extension LicensingRefusal {
    /// The refusal as HTTP says it of a change under `precondition`: 412 where a header named the version
    /// (RFC 9110 §13.1.1), 409 where the body did.
    func under(_ precondition: Int64?) -> any Error {
        guard case .versionChanged(let current) = self, precondition != nil else { return self }
        return Problem.preconditionFailed(current: current)
    }
}
