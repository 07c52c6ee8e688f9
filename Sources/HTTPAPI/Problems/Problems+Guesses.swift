import HTTPTypes
import Licensing

extension InstallerWatch.TooManyGuesses: ProblemConvertible {
    var problem: Problem {
        Problem(
            .tooManyRequests, "too_many_guesses", "Too many license keys that do not exist came from this address.",
            retryAfterSeconds: retryAfterSeconds)
    }
}
