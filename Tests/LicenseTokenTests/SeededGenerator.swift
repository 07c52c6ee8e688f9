#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Random numbers that a seed repeats (SplitMix64, Steele, Lea and Flood 2014).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// The seeds of this run: a fixed one and a fresh one, or `SIGNET_TEST_SEED` alone. Given as test arguments, so
    /// that the test's report prints them.
    static let seeds: [UInt64] = {
        if let text = getenv("SIGNET_TEST_SEED"), let seed = UInt64(String(cString: text)) { return [seed] }
        return [1, UInt64.random(in: .min ... .max)]
    }()
}
