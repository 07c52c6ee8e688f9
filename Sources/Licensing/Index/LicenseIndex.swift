package import Primitives
package import Secrets

/// Everything validation asks, in memory (DESIGN D4): which license a key opens, what it allows, and which places hold
/// a seat. It never decides who gets a seat; it only knows who has one.
package final class LicenseIndex: Sendable {
    /// Places whose time of last use is newer than the database's, beside the table that holds them.
    private struct PlaceTable: ~Copyable, Sendable {
        var facts = FactsTable<PackedPlace>()
        var touched: [KeyedHash] = []
        /// What installations began to say besides, by the seat's activation.
        var carried: [ActivationID: CarriedIdentity] = [:]
    }

    /// Seats whose carried identity waits for the database at most, in each of 64 tables; those of others are noted at
    /// a later call.
    private static let carriedMax = 1024

    private let keys = Striped { FactsTable<PackedKey>() }
    private let licenses = Striped { FactsTable<PackedLicense>() }
    private let places = Striped { PlaceTable() }
    let policies: PolicyTable
    let endingKeys = EndingKeys()

    package convenience init() { self.init(policies: PolicyTable()) }

    /// Shares the policies of another index, whose place this one is to take.
    init(policies: PolicyTable) { self.policies = policies }

    /// The license that a key opens, or opened before it ended.
    package func license(forKey hash: KeyedHash) -> LicenseFacts? {
        keys.withTable(of: hash.high) { $0[hash] }.flatMap(license)
    }

    package func license(_ id: LicenseID) -> LicenseFacts? {
        licenses.withTable(of: id.rawValue) { $0[id] }
    }

    package func policy(_ id: PolicyID) -> Policy { policies.policy(id) }

    /// Where the policy of the licenses of `product` is that choose `overrides`.
    package func policyID(of product: ProductID, choosing overrides: PolicySettings) -> PolicyID {
        policies.intern(product, choosing: overrides, otherwise: Policy(overrides))
    }

    /// The longest life of a token under any policy that a license has or had, in seconds; 0 without one.
    var longestTokenLifeSeconds: Int64 { policies.longestTokenLifeSeconds }

    /// The place, marked as seen at `now`, if it holds a seat and still counts there without asking the database.
    /// `lease` is that of its license.
    package func confirm(
        _ place: KeyedHash, addressesPerSeat: Int, lease: Duration? = nil, at now: Timestamp,
        _ sighting: Sighting = .plain
    ) -> PlaceFacts? {
        places.withTable(of: place.high) { table in
            guard var facts = table.facts[place],
                facts.counts(addressesPerSeat: addressesPerSeat, lease: lease, at: now)
            else { return nil }
            let before = facts
            facts.see(sighting.network, at: now)
            Self.note(sighting.carried, of: &facts, in: &table)
            if facts != before {
                if !facts.isTouched { table.touched.append(place) }
                facts.isTouched = true
                table.facts.put(facts, of: place)
            }
            return facts
        }
    }

    /// Notes for the database what an installation says besides, when that is not what it said last.
    private static func note(_ carried: CarriedIdentity, of facts: inout PlaceFacts, in table: inout PlaceTable) {
        let mark = carried.mark
        guard mark != 0, mark != facts.carried else { return }
        guard table.carried.count < carriedMax || table.carried[facts.activation] != nil else { return }
        table.carried[facts.activation] = carried
        facts.carried = mark
    }

    /// The place as it is, without marking it.
    package func place(_ place: KeyedHash) -> PlaceFacts? { places.withTable(of: place.high) { $0.facts[place] } }

    /// Brings memory up to what a transaction committed; called in commit order.
    package func apply(_ changes: [IndexChange]) {
        for change in changes {
            switch change {
            case .product(let product): policies.apply(product)
            case .license(let license): apply(license)
            case .key(let hash, let license): put(license, under: hash)
            case .keyEnds(let hash, let end): endingKeys.set(end, of: hash)
            case .keyGone(let hash):
                keys.withTable(of: hash.high) { $0.remove(hash) }
                endingKeys.forget(hash)
            case .place(let hash, let facts): put(facts, at: hash)
            case .placeGone(let hash, let seat): remove(hash, of: seat)
            }
        }
    }

    private func remove(_ place: KeyedHash, of seat: ActivationID?) {
        places.withTable(of: place.high) { table in
            if let seat, let known = table.facts[place], known.activation != seat { return }
            table.facts.remove(place)
        }
    }

    private func apply(_ license: License) {
        let policy = policies.intern(license.productID, choosing: license.overrides, otherwise: license.policy)
        put(LicenseFacts(license, policy: policy))
    }

    /// Takes in a license; of two versions the higher stays.
    package func put(_ facts: LicenseFacts) {
        licenses.withTable(of: facts.id.rawValue) { table in
            if let known = table[facts.id], known.version > facts.version { return }
            table.put(facts, of: facts.id)
        }
    }

    /// Takes in which license a key opens.
    func put(_ license: LicenseID, under key: KeyedHash) {
        keys.withTable(of: key.high) { $0.put(license, of: key) }
    }

    /// Takes in a place. What memory knows of the last use survives: it is newer than what a transaction read.
    func put(_ facts: PlaceFacts, at hash: KeyedHash) {
        places.withTable(of: hash.high) { table in
            var facts = facts
            if let known = table.facts[hash] {
                if known.lastSeen.date >= facts.lastSeen.date { facts.sketch |= known.sketch }
                if facts.carried == 0 { facts.carried = known.carried }
                facts.lastSeen = max(facts.lastSeen, known.lastSeen)
                facts.isTouched = known.isTouched
            }
            table.facts.put(facts, of: hash)
        }
    }
}

extension LicenseIndex {
    /// Takes what `other` holds in place of its own; whoever asks meanwhile finds the one or the other, or no license
    /// for a moment. `other` is not used any more.
    func take(over other: LicenseIndex) {
        licenses.exchange(with: other.licenses)
        places.exchange(with: other.places)
        keys.exchange(with: other.keys)
        endingKeys.take(over: other.endingKeys)
    }
}

// MARK: - Statistics

extension LicenseIndex {
    /// How much there is in it.
    package struct Sizes: Sendable, Equatable {
        package var licenses = 0
        package var keys = 0
        package var places = 0
        /// Places whose time of last use the database does not know yet.
        package var touched = 0
    }

    /// Makes room for `sizes` in all, so that what is read at the start is not moved again and again.
    func reserve(_ sizes: Sizes) {
        func share(_ count: Int) -> Int { count / Striped<PlaceTable>.stripeCount }
        licenses.forEachTable { $0.reserve(share(sizes.licenses)) }
        keys.forEachTable { $0.reserve(share(sizes.keys)) }
        places.forEachTable { $0.facts.reserve(share(sizes.places)) }
    }

    package var sizes: Sizes {
        var sizes = Sizes()
        licenses.forEachTable { sizes.licenses += $0.count }
        keys.forEachTable { sizes.keys += $0.count }
        places.forEachTable { table in
            sizes.places += table.facts.count
            sizes.touched += table.touched.count
        }
        return sizes
    }

    /// Whether `changes`, not applied yet, are those of a seat that was taken.
    func gainsSeat(from changes: [IndexChange]) -> Bool {
        changes.contains { change in
            guard case .license(let after) = change, let before = license(after.id) else { return false }
            return after.used > Int(before.used)
        }
    }
}

// MARK: - Last use

extension LicenseIndex {
    /// The places used since the last call, for the database; they count as stored from now on.
    func takeTouchedPlaces() -> [(KeyedHash, PlaceFacts)] {
        var taken: [(KeyedHash, PlaceFacts)] = []
        places.forEachTable { table in
            for hash in table.touched {
                guard var facts = table.facts[hash] else { continue }
                facts.isTouched = false
                table.facts.put(facts, of: hash)
                taken.append((hash, facts))
            }
            table.touched.removeAll(keepingCapacity: true)
        }
        return taken
    }

    /// What installations began to say besides since the last call, for the database.
    func takeCarried() -> [(ActivationID, CarriedIdentity)] {
        var taken: [(ActivationID, CarriedIdentity)] = []
        places.forEachTable { table in
            taken += table.carried.map { ($0.key, $0.value) }
            table.carried.removeAll(keepingCapacity: true)
        }
        return taken
    }

    /// Notes again what could not be stored, unless something newer was said since.
    func returnCarried(_ carried: [(ActivationID, CarriedIdentity)]) {
        for (id, identity) in carried {
            places.withTable(of: id.rawValue) { table in
                guard table.carried[id] == nil, table.carried.count < Self.carriedMax else { return }
                table.carried[id] = identity
            }
        }
    }

    /// Marks places as used again after they could not be stored.
    func returnTouchedPlaces(_ places: [(KeyedHash, PlaceFacts)]) {
        for (hash, _) in places {
            self.places.withTable(of: hash.high) { table in
                guard var facts = table.facts[hash], !facts.isTouched else { return }
                facts.isTouched = true
                table.facts.put(facts, of: hash)
                table.touched.append(hash)
            }
        }
    }
}
