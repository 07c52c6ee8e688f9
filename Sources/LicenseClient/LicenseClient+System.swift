#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension LicenseClient {
    /// The machine's clock in unix seconds.
    public static let systemClock: @Sendable () -> Int64 = { Int64(time(nil)) }

    /// 64 bits of the system's random number generator.
    public static let systemRandom: @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }

    /// Checks when due, until the task is canceled: for a program that stays. `interval` is how often it looks whether
    /// a check is due, which costs one small file; when to ask the service is decided by ``refreshIfDue(force:)``.
    ///
    ///     let checks = Task { await client.run() }
    public func run(
        every interval: Duration = .seconds(900), clock: any Clock<Duration> = ContinuousClock()
    ) async {
        while !Task.isCancelled {
            await refreshIfDue()
            // The only error is that of a canceled task, which ends the loop.
            do { try await clock.sleep(for: interval) } catch { return }
        }
    }
}
