import HTTPTypes
import Licensing

extension OfflineRefusal: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .notInForce(let verdict):
            Problem(
                .conflict, "license_not_in_force", "The license does not allow this now.",
                detail: "\(verdict.rawValue): \(verdict.message)")
        case .noSeat(let verdict):
            Problem(
                .conflict, "no_seat", "The license has no seat for this installation.",
                detail: "\(verdict.rawValue): \(verdict.message)")
        case .developmentHost:
            Problem(
                .unprocessableContent, "development_host", "A development host needs no license file.",
                detail: "It takes no seat. Use the name under which the software will run.")
        case .notStarted:
            Problem(
                .conflict, "not_started", "The license counts its days from the first activation.",
                detail: "An offline key could not say when it ends; issue a license file, or give the license a date.")
        case .otherKey(let last4):
            Problem(
                .conflict, "request_of_other_key", "The request was made under another license key.",
                detail: "That key ends in \(last4).")
        case .otherProduct(let code):
            Problem(
                .conflict, "request_of_other_product", "The request was made for another product.",
                detail: "It says \(code).")
        case .numbersUsedUp(let kind):
            Problem(
                .conflict, "numbers_used_up", "Every number that offline keys have for this has its name.",
                detail: "The product has no further \(kind.rawValue) number.")
        case .instantOutOfRange:
            Problem(
                .unprocessableContent, "instant_out_of_range", "An offline key cannot hold this instant.",
                detail: "It holds instants of 2020 to 2156, or never.")
        }
    }
}
