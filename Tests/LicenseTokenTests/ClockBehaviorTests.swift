import LicenseToken
import Testing

/// Row 21 of docs/behaviors.md, as far as a verifier knows the time: what a client keeps besides is its own.
@Suite("Behavior 21: the clock of an installation")
struct ClockBehaviorTests {
    /// When the token of `Fixtures` was made and from when it is valid.
    private static let made = Fixtures.now - 3600
    private static let life: Int64 = 14 * 86_400

    /// Seconds from then that the clock shows, and what the verifier says.
    private static let clocks: [(Int64, LicenseTokenError.Code?)] = [
        (0, nil), (7_200, nil), (-300, nil), (-301, .notYetValid), (-7_200, .notYetValid),
        (-400 * 86_400, .notYetValid), (life - 1, nil), (life, .expired), (life + 7_200, .expired),
    ]

    @Test(
        "ahead by 2 h it changes nothing but the end, late it is forgiven 5 minutes, not 2 h or 400 days",
        arguments: clocks)
    private func clock(offset: Int64, refusal: LicenseTokenError.Code?) throws {
        #expect(
            Fixtures.refusal(of: try Fixtures.token(), by: try Fixtures.verifier(), at: Self.made + offset) == refusal)
    }
}
