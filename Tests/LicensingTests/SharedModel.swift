import Licensing
import Primitives

/// What is so about one license, whatever any node knows of it.
struct SharedModel: Sendable, Equatable {
    /// The addresses of every domain that holds a seat.
    var seats: [String: Set<String>] = [:]
    /// Its own limit; without one that of its product.
    var ownLimit: Int?
    var productLimit: Int
    var isSuspended = false
    var isRevoked = false
    /// When each of its keys ends, by their number; nil for one that does not.
    var keyEnds: [Timestamp?] = [nil]

    /// 0 for no limit.
    var limit: Int { ownLimit ?? productLimit }

    var hasRoom: Bool { limit == 0 || seats.count < limit }

    /// Each seat at each of its addresses.
    var places: Set<String> { Set(seats.flatMap { domain, addresses in addresses.map { "\(domain) \($0)" } }) }

    /// One call, on purpose where it `takes` a seat.
    struct Call: Sendable {
        let domain: String
        let address: String
        let key: Int
        let takes: Bool
        let now: Timestamp
    }

    func verdict(on call: Call) -> Verdict {
        guard opens(call) else { return .notFound }
        return refusal ?? standing(of: call)
    }

    /// What a node may say that knows of these states of one license. What it did itself it knows of the last, and of
    /// the rest what was so before: how its keys, its own state and its seats stand may be of different instants.
    static func verdicts(on call: Call, among states: [SharedModel]) -> Set<Verdict> {
        var verdicts: Set<Verdict> = states.allSatisfy { $0.opens(call) } ? [] : [.notFound]
        guard states.contains(where: { $0.opens(call) }) else { return verdicts }
        verdicts.formUnion(states.compactMap(\.refusal))
        if states.contains(where: { $0.refusal == nil }) { verdicts.formUnion(states.map { $0.standing(of: call) }) }
        return verdicts
    }

    /// A key that was made later opens nothing yet.
    private func opens(_ call: Call) -> Bool {
        call.key < keyEnds.count && keyEnds[call.key].map { call.now < $0 } ?? true
    }

    private var refusal: Verdict? { isRevoked ? .revoked : isSuspended ? .suspended : nil }

    private func standing(of call: Call) -> Verdict {
        if seats[call.domain]?.contains(call.address) == true { return .valid }
        guard call.takes else { return .notActivated }
        return seats[call.domain] != nil || hasRoom ? .valid : .activationLimit
    }

    mutating func take(_ call: Call) { seats[call.domain, default: []].insert(call.address) }

    /// Whether there was a seat to give up.
    mutating func release(_ domain: String) -> Bool { seats.removeValue(forKey: domain) != nil }

    /// The same of a seat that goes to another domain.
    mutating func merge(_ from: String, into domain: String) -> Bool {
        guard from != domain, let addresses = seats.removeValue(forKey: from) else { return false }
        seats[domain, default: []].formUnion(addresses)
        return true
    }

    /// Ends its keys at `end`, where they do not end sooner, and adds one.
    mutating func rekey(endingOthers end: Timestamp) {
        keyEnds = keyEnds.map { min($0 ?? end, end) } + [nil]
    }
}
