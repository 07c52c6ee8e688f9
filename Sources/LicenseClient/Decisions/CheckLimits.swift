/// The numbers of docs/token-format.md, "What a client does with an answer". All in seconds unless they say otherwise.
enum CheckLimits {
    /// Between a first installation that could not be checked, or a machine that cannot verify, and its end.
    static let provisionalSeconds: Int64 = 72 * 3600
    /// From one failure to the next check, at least; also between an answer and the next check, whatever it says.
    static let backoffMinSeconds: Int64 = 900
    /// At most, without jitter: with the longest it is 6 h.
    static let backoffMaxSeconds: Int64 = 5 * 3600
    /// From an answer to the next check, at most: a week, however far the answer puts it off.
    static let checkLatestSeconds: Int64 = 7 * 86_400
    /// How far a clock may be behind the highest time seen before it counts as set back.
    static let clockToleranceSeconds: Int64 = 300
    /// Between two regular requests for the signed key set.
    static let keySetSeconds: Int64 = 86_400
    /// Between two requests for it because of a key that is not known.
    static let unknownKeySeconds: Int64 = 900
    /// Bytes of the longest answer that is read.
    static let answerBytesMax = 65_536
    /// Characters of the longest message or code that is kept.
    static let messageLengthMax = 500
    /// Notices that are kept from one answer.
    static let noticesMax = 8

    /// The only verdicts that end a token (DESIGN D6).
    static let endingCodes: Set<String> = ["REVOKED", "SUSPENDED", "EXPIRED", "NOT_ACTIVATED"]

    /// Seconds until the next check after so many failures in a row: 15 minutes, doubled by each, up to 6 hours; a
    /// fifth of it is chance, so that a thousand installations do not come back together.
    static func backoff(failures: Int64, using generator: inout some RandomNumberGenerator) -> Int64 {
        let doublings = min(max(failures - 1, 0), 10)
        let base = min(backoffMinSeconds << doublings, backoffMaxSeconds)
        return base + Int64.random(in: 0...base / 5, using: &generator)
    }
}

/// Random bits that come from a function.
struct RandomSource: RandomNumberGenerator {
    let draw: @Sendable () -> UInt64

    mutating func next() -> UInt64 { draw() }
}
