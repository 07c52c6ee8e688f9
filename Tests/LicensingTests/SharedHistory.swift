import Database
import Primitives
import TestSupport
import Testing

@testable import Licensing

/// A random history over several nodes, played against a model of what is so.
///
/// A node that is behind with a license may say of it what was so at any time since it was current; what it does is
/// done to what is so now.
struct SharedHistory {
    static let domains = (1...5).map { "s\($0).example.com" }
    static let addresses = ["203.0.113.7", "198.51.100.9"]
    private static let licensesMax = 12

    /// One license: the model of it, and for each node what was so since it was current, the present last.
    struct Played {
        let id: LicenseID
        var keys: [LicenseKey]
        var model: SharedModel
        var since: [[SharedModel]]

        func isCurrent(_ node: Int) -> Bool { since[node].count == 1 }

        /// Notes what `node` changed, which the others do not know of.
        mutating func changed(by node: Int?) {
            for other in since.indices where since[other].last != model {
                if other == node, isCurrent(other) { since[other] = [model] } else { since[other].append(model) }
            }
        }

        mutating func followed(_ node: Int) { since[node] = [model] }
    }

    struct Counts {
        var (taken, refused, behind, followed) = (0, 0, 0, 0)
    }

    let houses: SharedHouses
    var random: SeededGenerator
    var licenses: [Played] = []
    var productLimit = 3
    private(set) var counts = Counts()

    init(nodes: Int, seed: UInt64) async throws {
        houses = try await SharedHouses(nodes)
        random = SeededGenerator(seed: seed)
        try await houses.first.product(
            choosing: {
                var settings = PolicySettings()
                settings.maxActivations = productLimit
                settings.movesMax = Policy.movesMaxMax
                return settings
            }())
    }

    mutating func step(_ name: String) async throws {
        // More than a minute, so that no remembered refusal outlives its reason.
        houses.first.clock.advance(by: .seconds(61))
        let node = random.number(0...houses.nodes.count - 1)
        if licenses.isEmpty || licenses.count < Self.licensesMax && random.number(1...12) == 1 {
            return try await issue(on: node)
        }
        if random.number(1...6) == 1 { return try await follow(node, name) }
        if random.number(1...15) == 1 { return try await changeProduct(on: node) }
        let chosen = random.number(0...licenses.count - 1)
        var played = licenses[chosen]
        try await step(on: node, &played, name)
        licenses[chosen] = played
    }

    /// Lets every node follow, and holds each against the database.
    mutating func finish() async throws {
        for node in houses.nodes.indices { try await follow(node, "the end") }
        try await houses.expectSound()
    }

    private mutating func issue(on node: Int) async throws {
        let limit = random.pick([nil, nil, 1, 2, 4])
        let issued =
            if let limit { try await houses[node].issue(seats: limit) } else {
                try await houses[node].inheriting()
            }
        let model = SharedModel(ownLimit: limit, productLimit: productLimit)
        licenses.append(
            Played(
                id: issued.id, keys: [issued.key], model: model,
                since: Array(repeating: [model], count: houses.nodes.count)))
    }

    private mutating func changeProduct(on node: Int) async throws {
        productLimit = random.number(0...4)
        let limit = productLimit
        try await houses[node].update { $0.maxActivations = limit }
        for number in licenses.indices {
            licenses[number].model.productLimit = limit
            licenses[number].changed(by: node)
        }
    }

    /// Lets a node follow: then its memory is what the database says.
    private mutating func follow(_ node: Int, _ name: String) async throws {
        try await houses.follow(node)
        for number in licenses.indices { licenses[number].followed(node) }
        counts.followed += 1
        let house = houses[node]
        let fresh = try await house.secondService()
        let (known, stored) = (try memory(of: house.licensing), try memory(of: fresh))
        try #require(known == stored, "\(name), node \(node)")
    }

    private mutating func step(on node: Int, _ played: inout Played, _ name: String) async throws {
        switch random.number(1...20) {
        case 1...12: try await call(on: node, &played, name)
        case 13, 14: try await deactivate(on: node, &played, name)
        default:
            try await operate(on: node, &played, name)
            played.changed(by: node)
        }
        let stored = try await places(of: played.id)
        try #require(stored == played.model.places, "\(name), node \(node) that knew \(played.since[node])")
    }
}

// MARK: - Installations

extension SharedHistory {
    private mutating func call(_ takes: Bool, _ played: Played) -> SharedModel.Call {
        // Mostly the newest key.
        let key = random.number(1...4) == 1 ? random.number(0...played.keys.count - 1) : played.keys.count - 1
        return SharedModel.Call(
            domain: random.pick(Self.domains), address: random.pick(Self.addresses), key: key, takes: takes,
            now: houses.first.clock.now())
    }

    @discardableResult
    private mutating func call(
        on node: Int, _ played: inout Played, _ name: String
    ) async throws -> (call: SharedModel.Call, answer: ValidationAnswer) {
        let call = call(random.number(1...5) > 1, played)
        let isCurrent = played.isCurrent(node)
        let told = try await houses[node].validate(
            played.keys[call.key], domain: call.domain, ip: call.address, activates: call.takes, explicitly: call.takes)
        let trueNow = played.model.verdict(on: call)
        let possible = SharedModel.verdicts(on: call, among: played.since[node])
        let about = "\(name), node \(node), \(isCurrent ? "current" : "behind"): \(call)"
        try #require(possible.contains(told.verdict), "\(about): \(told.verdict), not \(possible)")
        try #require(told.verdict != .notFound || trueNow == .notFound, "\(about): the database was to be asked")
        counts.behind += isCurrent ? 0 : 1
        counts.refused += told.verdict == .activationLimit ? 1 : 0
        try await settle(call, told.verdict, trueNow, by: node, &played, about)
        return (call, told)
    }

    /// Whether the call took a seat or joined one, as the database says: only where there was room, and always where
    /// the node knew what is so. A claim is held against the license, not against its key, so one that has ended may
    /// take a seat on a node that does not know of the end yet.
    private mutating func settle(
        _ call: SharedModel.Call, _ told: Verdict, _ trueNow: Verdict, by node: Int, _ played: inout Played,
        _ about: String
    ) async throws {
        guard call.takes, trueNow == .valid || trueNow == .notFound,
            !played.model.places.contains("\(call.domain) \(call.address)")
        else { return }
        let stored = try await places(of: played.id)
        guard stored.contains("\(call.domain) \(call.address)") else {
            return try #require(trueNow == .notFound || !played.isCurrent(node), "\(about): nothing was taken")
        }
        try #require(told == .valid, "\(about): a seat was taken and not told")
        try #require(trueNow == .valid || !played.isCurrent(node), "\(about): a seat was taken by a key that has ended")
        played.model.take(call)
        played.changed(by: node)
        counts.taken += 1
    }

    /// A call, and then its seat is given back by the token that it got.
    private mutating func deactivate(on node: Int, _ played: inout Played, _ name: String) async throws {
        let (call, answer) = try await call(on: node, &played, name)
        guard let token = answer.token, let held = answer.seat?.place?.activation else { return }
        let present = try await activation(of: call.domain, of: played.id)
        let told = try await houses[node].deactivate(
            played.keys[call.key], domain: call.domain, ip: call.address, token: token)
        try #require(told.answer.verdict == .notActivated && told.released == [held], "\(name)")
        guard present == held else { return try #require(!played.isCurrent(node), "\(name): an old token") }
        let wasHeld = played.model.release(call.domain)
        try #require(wasHeld, "\(name)")
        played.changed(by: node)
    }

    private func activation(of domain: String, of license: LicenseID) async throws -> ActivationID? {
        try await houses.first.database.read { transaction in
            try transaction.first(
                "SELECT id FROM activations WHERE license_id = ? AND domain = ? AND released_at IS NULL", license,
                domain
            ) { $0.randomID(0) }
        }
    }

    private func places(of license: LicenseID) async throws -> Set<String> {
        Set(
            try await houses.first.texts(
                """
                SELECT a.domain || ' ' || s.address FROM activations a JOIN seat_addresses s ON s.activation_id = a.id
                WHERE a.license_id = \(license.databaseValue) AND a.released_at IS NULL
                """))
    }
}

// MARK: - Operators

extension SharedHistory {
    /// What an operator does on a node, which the database decides whatever the node knows.
    private mutating func operate(on node: Int, _ played: inout Played, _ name: String) async throws {
        do {
            try await change(on: node, &played, name)
        } catch let refusal where refusal is TransitionRefusal || refusal is LicenseKeyRefusal {
            try #require(played.model.isRevoked, "\(name): \(refusal)")
        } catch LicensingRefusal.licenseRevoked {
            try #require(played.model.isRevoked, "\(name)")
        }
    }

    private mutating func change(on node: Int, _ played: inout Played, _ name: String) async throws {
        let house = houses[node]
        switch random.number(1...30) {
        case 1, 2: try await transition(.revoke, on: node, played) { played.model.isRevoked = true }
        case 3...6: try await transition(.suspend, on: node, played) { played.model.isSuspended = true }
        case 7...14:
            try await transition(.reinstate(liftingBilling: false), on: node, played) {
                played.model.isSuspended = false
            }
        case 15...18:
            let overlap = try #require(KeyOverlap(random.pick(["0", "1h"])))
            let (id, at) = (played.id, house.clock.now())
            let fresh = try await house.licensing.rekey(
                id, overlap: overlap, allKeys: false, dryRun: false, by: house.provenance(reason: "leaked"))
            played.keys.append(fresh.key)
            played.model.rekey(endingOthers: overlap.end(from: at))
        case 19...22:
            let limit = random.number(0...4)
            var (settings, change) = (PolicySettings(), LicenseChange())
            settings.maxActivations = limit
            change.patch = PolicyPatch(settings)
            _ = try await house.licensing.updateLicense(played.id, change, dryRun: false, by: house.provenance())
            played.model.ownLimit = limit
        case 23...26:
            let (from, into) = (random.pick(Self.domains), random.pick(Self.domains))
            try await expect(played.model.seats[from] != nil && from != into, name) {
                try await transition(.merge(CanonicalDomain(from), into: CanonicalDomain(into)), on: node, played) {
                    _ = played.model.merge(from, into: into)
                }
            }
        default:
            let domain = random.pick(Self.domains)
            let issued = IssuedLicense(id: played.id, key: played.keys[0])
            try await expect(played.model.seats[domain] != nil, name) {
                try await house.release(.domain(CanonicalDomain(domain), nil), of: issued)
                _ = played.model.release(domain)
            }
        }
    }

    private func transition(
        _ transition: LicenseTransition, on node: Int, _ played: Played, _ model: () -> Void
    ) async throws {
        _ = try await houses[node].licensing.change(
            transition, of: played.id, dryRun: false, by: houses[node].provenance(reason: "test"))
        model()
    }

    /// Does what needs an installation, which is there or not.
    private func expect(_ isThere: Bool, _ name: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
            try #require(isThere, "\(name)")
        } catch LicensingRefusal.installationUnknown {
            try #require(!isThere, "\(name)")
        }
    }
}

// MARK: - Memory

extension SharedHistory {
    /// All that a node's memory says of the licenses of this history.
    private func memory(of service: LicensingService) throws -> [String] {
        let index = service.index
        var lines = ["licenses \(index.sizes.licenses), places \(index.sizes.places)"]
        for played in licenses {
            lines += try memory(of: played, in: index)
            lines += try Self.domains.flatMap { domain in
                try Self.addresses.compactMap { try place(domain, $0, of: played, in: service) }
            }
        }
        return lines
    }

    private func memory(of played: Played, in index: LicenseIndex) throws -> [String] {
        let facts = try #require(index.license(played.id))
        let policy = index.policy(facts.policy)
        let now = houses.first.clock.now()
        let keys = played.keys.map { key -> String in
            let opened = index.license(forKey: houses.first.licensing.validator.hashes.hash(of: key), at: now)
            return opened.map { "\($0.facts.id) until \($0.keyEndsAt.map(\.description) ?? "for ever")" } ?? "nothing"
        }
        return [
            "\(facts.id) \(facts.version) \(facts.state) used \(facts.used) of \(policy.maxActivations), over until "
                + "\(facts.overLimitUntil), product \(facts.productID)"
        ] + keys
    }

    private func place(
        _ domain: String, _ address: String, of played: Played, in service: LicensingService
    ) throws -> String? {
        let network = try #require(CanonicalAddress(address)).network(under: service.policy(of: played.id))
        let hash = service.validator.hashes.place(played.id, .domain(try CanonicalDomain(domain)), network)
        return service.index.place(hash).map {
            "\(domain) \(address) in \($0.activation) since \($0.firstSeen), \($0.placesOfSeat) places, \($0.kind)"
        }
    }
}

extension LicensingService {
    fileprivate func policy(of id: LicenseID) throws -> Policy {
        index.policy(try #require(index.license(id)).policy)
    }
}
