import Database
import Journal
package import LicenseToken
import Primitives
import Secrets

/// What an offline key is to be bound to.
package enum OfflineBinding: Sendable, Equatable {
    case domain(CanonicalDomain)
    case installationID(InstallationID)
    /// Works wherever it is typed: only ever on an operator's word.
    case unbound

    /// `domain`, `installation_id` or `unbound`: what the journal may say openly.
    package var kind: String {
        switch self {
        case .domain: "domain"
        case .installationID: "installation_id"
        case .unbound: "unbound"
        }
    }

    /// As an offline key holds it.
    var hashed: OfflineKeyBinding {
        switch self {
        case .domain(let domain): .domain(domain.ascii)
        case .installationID(let id): .installation(id.text)
        case .unbound: .unbound
        }
    }
}

/// An offline key that was issued.
package struct IssuedOfflineKey: Sendable {
    package let license: LicenseID
    package let key: OfflineKey
    package let facts: OfflineKeyFacts
    package let binding: OfflineBinding

    /// The last four symbols.
    package var last4: String { key.last4 }
}

extension OfflineKey {
    /// What is hashed and sealed: the one canonical text.
    var storedBytes: [UInt8] { Array(text.utf8) }

    /// The last four symbols, by which people tell keys apart.
    package var last4: String { String(text.filter { $0 != "-" }.suffix(4)) }
}

/// Offline keys in the database, each a row of `license_keys` of the kind `offline`.
struct OfflineKeyStore: Sendable {
    let journal: Journal
    let hashes: KeyedHashes
    let secrets: Secrets
    let codes: ProductCodes

    /// What a key of `license` says. Throws `OfflineRefusal`.
    func facts(
        of license: License, _ product: Product, bound binding: OfflineBinding, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> OfflineKeyFacts {
        try check(license, binding, at: provenance.at)
        let policy = license.policy
        try codes.add(
            types: [policy.licenseType], features: policy.features, to: product, by: provenance, in: transaction)
        let names = try codes.names(of: product, in: transaction.reading)
        let bits = policy.features.reduce(UInt64(0)) { bits, feature in
            bits | (names.features[feature.text].map { 1 << UInt64($0) } ?? 0)
        }
        let facts = OfflineKeyFacts(
            productNumber: names.number, typeCode: names.types[policy.licenseType.text] ?? 0,
            seats: UInt32(policy.maxActivations), issuedAt: provenance.at.seconds,
            expiresAt: license.expiresAt.map { (license.graceUntil ?? $0).seconds }, featureBits: bits,
            licenseNumber: license.id.rawValue, binding: binding.hashed)
        guard OfflineKeyFacts.instants.contains(facts.issuedAt),
            facts.expiresAt.map(OfflineKeyFacts.instants.contains) ?? true
        else { throw OfflineRefusal.instantOutOfRange }
        return facts
    }

    /// Stores a key of `license` and tells the journal.
    func insert(
        _ key: OfflineKey, of license: License, bound binding: OfflineBinding, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws {
        let hash = hashes.hash(of: key).bytes
        let sealed = secrets.dataKey.seal(key.storedBytes, context: LicenseStore.sealingContext(of: hash))
        try transaction.execute(
            """
            INSERT INTO license_keys (key_hash, pepper_id, license_id, kind, encrypted, last4, created_at)
            VALUES (?, ?, ?, 'offline', ?, ?, ?)
            ON CONFLICT (key_hash) DO NOTHING
            """,
            hash, hashes.pepperID, license.id, sealed, key.last4, provenance.at.wholeSeconds)
        try journal.append(Self.issued(key, license, binding), by: provenance, in: transaction)
    }

    /// Throws `OfflineRefusal` for a license that is not in force, or does not allow what the key is bound to.
    private func check(_ license: License, _ binding: OfflineBinding, at now: Timestamp) throws {
        let facts = LicenseFacts(license, policy: PolicyID(position: 0))
        let question = Question(product: nil)
        if let objection = Rules.objection(to: facts, under: license.policy, question, at: now) {
            throw OfflineRefusal.notInForce(objection)
        }
        if case .domain(let domain) = binding, !license.policy.allowedDomains.isEmpty,
            !license.policy.allows(domain: domain.ascii)
        {
            throw OfflineRefusal.notInForce(.domainNotAllowed)
        }
        if license.policy.durationDays != nil, license.startedAt == nil { throw OfflineRefusal.notStarted }
    }

    private static func issued(_ key: OfflineKey, _ license: License, _ binding: OfflineBinding) -> Event {
        let personal = JSONWriter.object { json in
            if case .domain(let domain) = binding { json.member("domain", domain.ascii) }
            if case .installationID(let id) = binding { json.member("installation_id", id.text) }
        }
        return Event(
            Event.Kind("license.offline_key_issued"), subject: license.id.description,
            subjectVersion: license.version,
            personal: binding == .unbound
                ? nil : Event.Personal(customer: license.customerID.rawValue, json: personal)
        ) { facts in
            facts.member("last4", key.last4)
            facts.member("binding", binding.kind)
        }
    }
}
