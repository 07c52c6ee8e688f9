public import LicenseToken
import Synchronization

/// Keeps one installation licensed: asks the license service now and then, keeps the signed token it answers, and works
/// from it in between.
///
///     let client = LicenseClient(configuration)
///     await client.refreshIfDue()              // in the background: cron, a timer, ``run(every:)``
///     if client.status().isUsable { … }        // anywhere: reads small files, never the network
///
/// What it guarantees: an outage of the service ends nothing, since only four verdicts do; one check is made at a time
/// by all processes of an installation, and a failing service is asked less and less often; no call takes longer than
/// ``Configuration/timeout``. Safe to use from any task; several clients may share a directory, in one process or many.
public final class LicenseClient: Sendable {
    /// What was set when the client was made.
    public let configuration: Configuration

    /// Where the software runs, in canonical form: what tokens are compared with.
    public let installation: Installation

    let cache: LicenseCache
    let transport: any LicenseTransport
    let clock: @Sendable () -> Int64
    let random: @Sendable () -> UInt64
    /// Whose memory this is: a digest of key, product and installation.
    let identity: String
    /// The pins, or why they are unusable.
    let pins: Result<Pins, LicenseTokenError>

    /// What the documents that were last read say, so that they are verified once and not at each question.
    private let known = Mutex<Trust?>(nil)

    /// A client of one installation. Reads nothing yet, and never fails: what is wrong with the configuration is told
    /// by ``status()``.
    ///
    /// `transport` carries requests. `clock` gives unix seconds. `random` gives 64 random bits; nonces are made of it,
    /// so it must be as good as the system's.
    public init(
        _ configuration: Configuration, transport: any LicenseTransport = URLSessionTransport(),
        clock: @escaping @Sendable () -> Int64 = LicenseClient.systemClock,
        random: @escaping @Sendable () -> UInt64 = LicenseClient.systemRandom
    ) {
        self.configuration = configuration
        self.transport = transport
        self.clock = clock
        self.random = random
        installation = configuration.installation
        identity = configuration.identity
        pins = Result { () throws(LicenseTokenError) in try Pins(configuration) }
        cache = LicenseCache(directory: configuration.cacheDirectory)
    }

    /// Whether the software may run in full. No network; see ``status()``.
    public var isLicensed: Bool { status().isUsable }

    /// What is known now, without a network. Reads the cache directory and checks one signature; never throws.
    public func status() -> LicenseStatus {
        let now = clock()
        let memory = readMemory()
        var facts = StatusFacts(
            memory: memory, now: now, problem: problem, held: held(at: max(now, memory.highestSeen)),
            isWritable: cache.isWritable)
        if case .success(let trust) = trust {
            facts.sequences = (trust.signedKeys?.sequence ?? 0, trust.revocations?.sequence ?? 0)
        }
        return StatusDecision.status(facts)
    }

    /// What `token` says if it holds for this installation now, by the keys and the list that are held: for a token
    /// that came another way. No network.
    ///
    /// Throws the token's refusal, or `LicenseTokenError.Code.malformedKeySet` when the pins are
    /// unusable.
    public func verify(_ token: LicenseToken) throws(LicenseTokenError) -> VerifiedLicense {
        try verified(token, at: clock())
    }
}

// MARK: - What is held

extension LicenseClient {
    /// What keeps this machine from verifying anything, which says nothing about the license.
    var problem: Problem? {
        if installation.domain == nil, installation.installationID == nil { return .domainMissing }
        if case .failure(let error) = pins { return .keySetUnusable(error.reason) }
        return nil
    }

    /// The memory in the cache: that of another key or installation counts only as far as it must not start again.
    func readMemory() -> CheckMemory { CheckMemory(reading: cache.read(.memory), for: identity) }

    /// What the stored token is worth at `time`.
    func held(at time: Int64) -> HeldToken {
        guard case .text(let text) = cache.read(.token) else { return .none }
        return verify(LicenseToken(text.trimmed), at: time)
    }

    /// What `token` is worth at `time`, stored or just received.
    func verify(_ token: LicenseToken, at time: Int64) -> HeldToken {
        do {
            return .good(try verified(token, at: time))
        } catch {
            return .refused(error.code)
        }
    }

    /// Throws the token's refusal, or `malformedKeySet` when the pins are unusable.
    func verified(_ token: LicenseToken, at time: Int64) throws(LicenseTokenError) -> VerifiedLicense {
        let trust = try trust.get()
        let verifier = LicenseTokenVerifier(
            keys: trust.keys, issuer: configuration.issuer, product: configuration.product,
            clockSkewSeconds: CheckLimits.clockToleranceSeconds, revocations: trust.revocations)
        return try verifier.verify(token, for: installation, at: time)
    }

    /// The root, the keys and the list in force, or why the pins are unusable.
    var trust: Result<Trust, LicenseTokenError> {
        pins.map { pins in
            let sources = Trust.Sources(keySet: cache.read(.keySet).text, revocations: cache.read(.revocations).text)
            return known.withLock { known in
                if let known, known.sources == sources { return known }
                let read = Trust(sources, pins: pins, issuer: configuration.issuer)
                known = read
                return read
            }
        }
    }
}
