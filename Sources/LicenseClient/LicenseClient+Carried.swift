public import LicenseToken

// For installations without a network: what someone carries in.
extension LicenseClient {
    /// What became of something that was carried in. Later releases may add some.
    public struct Adoption: RawRepresentable, Hashable, Sendable {
        /// The word.
        public let rawValue: String

        /// An outcome by its word, known to this release or not.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// It is in force from now on.
        public static let updated = Adoption(rawValue: "updated")
        /// What is held is the same or ends later, and stays.
        public static let kept = Adoption(rawValue: "kept")
        /// The cache directory cannot be written: nothing changed.
        public static let notRecorded = Adoption(rawValue: "not_recorded")
    }

    /// What to show to an administrator who has no network: the vendor answers it with a license file.
    ///
    /// `keyLast4`: the last four symbols of the license key, to tell a mix-up. Throws
    /// `LicenseTokenError.Code.malformedClaims` when neither domain nor installation id is known.
    public func makeRequest(keyLast4: String? = nil) throws(LicenseTokenError) -> LicenseRequest {
        try LicenseRequest(
            product: configuration.product, keyLast4: keyLast4, installation: installation, nonce: makeNonce(),
            madeAt: clock())
    }

    /// Takes in the text of a `.lic` file: it licenses this installation until it ends.
    ///
    /// Throws the refusal of the file or of its token; nothing changes then. A token of the same version of the license
    /// that ends later stays.
    public func adopt(licenseFile text: String) async throws(LicenseTokenError) -> Adoption {
        let token = try LicenseFile(text).token
        return try await carriedIn { now in store(token, at: now) }
    }

    /// Takes in a list of revoked licenses: the file that `/api/v1/installer/revocations` answers, carried by hand.
    ///
    /// Throws the refusal of the list, `LicenseTokenError.Code.outdated` for one before the one that is
    /// held; nothing changes then.
    public func adopt(revocationList text: String) async throws(LicenseTokenError) -> Adoption {
        try await carriedIn { now in
            Self.adoption { () throws(LicenseTokenError) in try take(revocations: text.trimmed, at: now) }
        }
    }

    /// Takes in a key set that the pinned root signed: the file that `signet keys export --signed` prints.
    ///
    /// Throws the refusal of the set; nothing changes then.
    public func adopt(keySet document: String) async throws(LicenseTokenError) -> Adoption {
        try await carriedIn { now in
            Self.adoption { () throws(LicenseTokenError) in try take(keySet: document.trimmed, at: now) }
        }
    }
}

extension LicenseClient {
    /// Runs `work` under the lock.
    private func carriedIn(
        _ work: (_ now: Int64) -> Result<Adoption, LicenseTokenError>
    ) async throws(LicenseTokenError) -> Adoption {
        let now = clock()
        let deadline = Deadline(after: configuration.timeout)
        return try await cache.locked(before: deadline.instant) { work(now) }?.get() ?? .notRecorded
    }

    private static func adoption(
        _ take: () throws(LicenseTokenError) -> Change
    ) -> Result<Adoption, LicenseTokenError> {
        Result { () throws(LicenseTokenError) in
            switch try take() {
            case .updated: .updated
            case .kept: .kept
            case .notRecorded: .notRecorded
            }
        }
    }

    /// Stores a carried token if it holds here and now; under the lock.
    private func store(_ token: LicenseToken, at now: Int64) -> Result<Adoption, LicenseTokenError> {
        var memory = readMemory()
        let time = max(now, memory.highestSeen)
        return Result { () throws(LicenseTokenError) in
            let offered = try verified(token, at: time)
            if memory.ended.isEmpty, let held = held(at: time).license, held.expiresAt >= offered.expiresAt,
                held.licenseVersion == offered.licenseVersion
            {
                return .kept
            }
            (memory.ended, memory.refused, memory.error, memory.unverifiableSince) = ("", "", "", 0)
            memory.highestSeen = time
            return cache.replace(.token, with: token.text) && remember(memory) ? .updated : .notRecorded
        }
    }
}
