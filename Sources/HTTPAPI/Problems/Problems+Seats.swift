import HTTPTypes
import Licensing
import Primitives

extension TokenRefused: ProblemConvertible {
    var problem: Problem {
        Problem(
            .forbidden, "token_refused", "The token is not that of this installation.",
            detail: "The reason is \(code).")
    }
}

extension SeatHeld: ProblemConvertible {
    var problem: Problem {
        Problem(
            .conflict, "seat_held", "A license file holds this seat.", detail: "It ends at \(until).")
    }
}
