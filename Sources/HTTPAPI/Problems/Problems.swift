import Customers
import Database
import HTTPTypes
import Licensing
import Primitives

/// The one place that says what each refusal means in HTTP. `Golden/problems.txt` lists them all.
extension InvalidInput: ProblemConvertible {
    var problem: Problem {
        Problem(.badRequest, "invalid_request", "The request has members that cannot be taken.", violations: violations)
    }
}

extension CustomerRefusal: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .idTaken(let id):
            Problem(.conflict, "customer_exists", "A customer with this id exists.", detail: "Customer \(id) exists.")
        case .referenceTaken:
            Problem(.conflict, "reference_taken", "Another customer has this reference.")
        }
    }
}

extension LicensingRefusal: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .productExists(let code):
            Problem(.conflict, "product_exists", "A product with this code exists.", detail: "Product \(code) exists.")
        case .productUnknown(let code, let near):
            Problem(
                .unprocessableContent, "product_unknown", "There is no such product.",
                detail: "Product \(code) does not exist; "
                    + (near.question ?? "create it with: signet product create \(code)"))
        case .recountNeeded(let seats):
            Problem(
                .conflict, "recount_needed", "Changing how seats are counted needs a recount.",
                detail: "\(seats) seats are taken; repeat with recount (--recount) to count them anew.")
        case .customerUnknown(let id, let near):
            Problem(
                .unprocessableContent, "customer_unknown", "There is no such customer.",
                detail: "Customer \(id) does not exist; "
                    + (near.question ?? "create it with: signet customer create --id \(id)"))
        case .customerClosed(let id):
            Problem(
                .unprocessableContent, "customer_closed", "The customer is closed.",
                detail: "Customer \(id) is closed and receives no licenses.")
        case .licenseUnknown:
            Problem(.notFound, "license_unknown", "There is no such license.")
        case .licenseRevoked:
            Problem(.conflict, "license_revoked", "A revoked license cannot be changed.")
        case .endBeforeBeginning:
            Problem(
                .unprocessableContent, "end_before_beginning", "The license would end before it begins.",
                detail: "Its expiry must be after not_before.")
        case .versionChanged(let current):
            Problem(
                .conflict, "version_changed", "The record was changed meanwhile.",
                detail: "Its version is \(current) now; look at it again before you change it.")
        case .expiryInPast(let date):
            Problem(
                .unprocessableContent, "expiry_in_past", "The expiry is in the past.",
                detail: "\(date) is before today (UTC).")
        case .installationUnknown:
            Problem(.notFound, "installation_unknown", "No seat of this license matches.")
        }
    }
}

extension Validator.NewcomersLimited: ProblemConvertible {
    var problem: Problem {
        Problem(
            .tooManyRequests, "too_many_activations", "Too many new installations of this license at once.",
            retryAfterSeconds: retryAfterSeconds)
    }
}

extension SeatQueue.Overloaded: ProblemConvertible {
    var problem: Problem {
        Problem(
            .serviceUnavailable, "overloaded", "Too many new installations at once.",
            retryAfterSeconds: retryAfterSeconds)
    }
}

extension MemoryTooOld: ProblemConvertible {
    var problem: Problem {
        Problem(
            .serviceUnavailable, "out_of_date", "What this node knows of licenses is too old to answer from.",
            retryAfterSeconds: retryAfterSeconds)
    }
}

extension DatabaseError: ProblemConvertible {
    /// Seconds after which a database that is busy, full or restarting may be there again.
    private static var retryAfterSeconds: Int64 { 5 }

    /// Whether the cause is outside of us; a wrong statement or a constraint nobody expected is a defect.
    var isOutside: Bool {
        switch self {
        case .unavailable, .unknownOutcome, .failed, .corrupt: true
        case .conflict, .foreign, .newer, .statement: false
        }
    }

    var problem: Problem {
        guard isOutside else { return .internalError }
        guard case .unknownOutcome = self else {
            return Problem(
                .serviceUnavailable, "unavailable", "The service cannot store anything now.",
                retryAfterSeconds: Self.retryAfterSeconds)
        }
        return Problem(
            .serviceUnavailable, "outcome_unknown", "Whether this was done is not known.",
            detail: "Look whether it was, or ask again: with the same Idempotency-Key nothing is done twice.",
            retryAfterSeconds: Self.retryAfterSeconds)
    }
}

extension Problem {
    static let internalError = Problem(.internalServerError, "internal", "The service failed.")
    static let notFound = Problem(.notFound, "not_found", "There is nothing at this path.")
    /// A refusal of the framework's own, of which only the status is known.
    init(of status: HTTPResponse.Status) { self.init(status, "http_\(status.code)", status.reasonPhrase) }

    static let malformedRequest = Problem(.badRequest, "malformed_request", "This is not an HTTP/1.1 request.")
    static let headerTooLarge = Problem(
        .requestHeaderFieldsTooLarge, "header_too_large", "The request line or the header is too large.")
    static let overdue = Problem(
        .serviceUnavailable, "overdue", "The service took too long.", retryAfterSeconds: 1)
    static let bodyMissing = Problem(.badRequest, "body_missing", "The request has no body.")
    static let unsupportedMediaType = Problem(
        .unsupportedMediaType, "unsupported_media_type", "The body must be application/json in UTF-8.")

    static func bodyNotObject(_ typeName: String) -> Problem {
        Problem(
            .badRequest, "body_not_object", "The body must be a JSON object.", detail: "Its type is \(typeName).")
    }

    static func preconditionFailed(current version: Int64) -> Problem {
        Problem(
            .preconditionFailed, "precondition_failed", "The record is not as If-Match says.",
            detail: "Its version is \(version) now; look at it again before you change it.")
    }

    static func notFoundHere(_ what: String) -> Problem {
        Problem(.notFound, "\(what)_not_found", "There is no such \(what).")
    }

    static func bodyTooLarge(max: Int) -> Problem {
        Problem(
            .contentTooLarge, "body_too_large", "The body is too large.", detail: "At most \(max) bytes are accepted.")
    }

    static func methodNotAllowed(allowed: [String]) -> Problem {
        var problem = Problem(
            .methodNotAllowed, "method_not_allowed", "This path does not answer this method.")
        problem.allowedMethods = allowed
        return problem
    }
}

extension JSONReader.Failure: ProblemConvertible {
    var problem: Problem {
        switch reason {
        case .empty: .bodyMissing
        case .syntax: Problem(.badRequest, "body_not_json", "The body is not JSON.", detail: "At byte \(offset).")
        case .invalidUTF8:
            Problem(.badRequest, "body_not_utf8", "The body is not UTF-8.", detail: "Before byte \(offset).")
        case .tooDeep:
            Problem(
                .badRequest, "body_too_deep", "The body is nested too deeply.",
                detail: "At most \(JSONReader.depthMax) levels are accepted.")
        case .tooManyMembers:
            Problem(
                .badRequest, "too_many_members", "An object has too many members.",
                detail: "At most \(JSONReader.membersMax) are accepted.")
        case .trailingBytes:
            Problem(
                .badRequest, "body_not_json", "The body is not JSON.", detail: "More follows at byte \(offset).")
        case .duplicateMember(let name):
            Problem(
                .badRequest, "duplicate_member", "A member is there twice.",
                violations: [.init(member: String(name.prefix(64)), reason: "must be there once")])
        }
    }
}

extension [String] {
    /// `did you mean a, or b?`; nil without any.
    var question: String? { isEmpty ? nil : "did you mean \(joined(separator: ", or "))?" }
}
