import LicenseToken
import Licensing
import Primitives
import TestSupport
import Testing

/// A schedule over keys with letters for names, at days counted from the first start.
private struct Plan {
    var schedule: KeySchedule
    private var spares = ["D", "E", "F", "G", "H", "I", "J", "K"][...]

    /// `A` signs, `B` and, for some tests, more are published.
    init(_ keyIDs: [String] = ["A", "B"]) throws {
        schedule = try KeySchedule(firstKeys: keyIDs.map(Self.key), at: Self.day(0))
    }

    static let life = Duration.days(14)

    static func day(_ number: Int) -> Timestamp { ManualClock.start + .days(number) }

    static func key(_ keyID: String) -> PublicKeyRecord {
        PublicKeyRecord(keyID: keyID, publicKey: [UInt8](repeating: keyID.utf8.first ?? 0, count: 32))
    }

    mutating func rotate(day: Int, asked: Int? = nil, force: Bool = false) throws {
        try change { schedule, spares in
            try schedule.rotate(
                asked: asked.map(Self.day), force: force, tokenLife: Self.life, spares: spares, at: Self.day(day))
        }
    }

    mutating func revoke(_ keyID: String, day: Int, force: Bool = false) throws {
        try change { schedule, spares in
            try schedule.revoke(keyID, force: force, tokenLife: Self.life, spares: spares, at: Self.day(day))
        }
    }

    private mutating func change(_ body: (inout KeySchedule, KeySchedule.Spares) throws -> Void) throws {
        let offered = spares.prefix(2)
        var after = schedule
        try body(&after, offered.map(Self.key))
        spares.removeAll { after.key($0) != nil }
        schedule = after
    }

    func state(_ keyID: String, day: Int) -> SigningKeyRecord.State? {
        schedule.key(keyID).map { schedule.state(of: $0, at: Self.day(day)) }
    }

    /// The published keys on a day, the one that signs first.
    func published(day: Int) -> String { schedule.published(at: Self.day(day)).map(\.keyID).joined() }
}

@Suite("The schedule of signing keys")
struct KeyScheduleTests {
    @Test("hands over to a key that was published for a token life at once, and publishes the one after it")
    func rotateNow() throws {
        var plan = try Plan()
        try plan.rotate(day: 20)
        #expect(plan.published(day: 19) == "ABD", "who asks about yesterday sees A")
        #expect(plan.published(day: 20) == "BDA")
        #expect(plan.state("A", day: 20) == .verifying)
        #expect(plan.state("B", day: 20) == .current)
        #expect(plan.state("D", day: 20) == .next)
    }

    @Test("waits until the next key was published for a token life, and signs with it from then without more ado")
    func rotateAhead() throws {
        var plan = try Plan()
        try plan.rotate(day: 3)
        #expect(plan.schedule.changes(after: Plan.day(3)) == Plan.day(14))
        #expect(plan.published(day: 3) == "ABD")
        #expect(plan.schedule.current(at: Plan.day(14) - .milliseconds(1)).keyID == "A")
        #expect(plan.schedule.current(at: Plan.day(14)).keyID == "B")
    }

    @Test("retires a key when nothing it signed can be alive, however short lives are today")
    func retirement() throws {
        var plan = try Plan()
        try plan.rotate(day: 20)
        #expect(plan.schedule.key("A")?.verifiesUntil == Plan.day(20 + 90 + 30))
        #expect(plan.state("A", day: 139) == .verifying)
        #expect(plan.state("A", day: 140) == .retired)
        #expect(plan.published(day: 139) == "BDA")
        #expect(plan.published(day: 140) == "BD")
        #expect(plan.schedule.changes(after: Plan.day(20)) == Plan.day(140))
        #expect(plan.schedule.changes(after: Plan.day(140)) == .distantFuture)
    }

    @Test("keeps a key published as long as a license file that it signed")
    func files() throws {
        var plan = try Plan()
        plan.schedule.extend("A", until: Plan.day(400))
        plan.schedule.extend("A", until: Plan.day(300))
        try plan.rotate(day: 20)
        #expect(plan.state("A", day: 429) == .verifying)
        #expect(plan.state("A", day: 430) == .retired)
    }

    @Test("uses no key without force that was published for less than a token life")
    func tooNew() throws {
        var plan = try Plan()
        #expect(throws: SigningKeyRefusal.notLongEnough("B", from: Plan.day(14))) {
            try plan.rotate(day: 3, asked: 13)
        }
        try plan.rotate(day: 3, asked: 14)
        #expect(plan.schedule.current(at: Plan.day(14)).keyID == "B")
        var forced = try Plan()
        try forced.rotate(day: 3, force: true)
        #expect(forced.published(day: 3) == "BDA")
    }

    @Test("moves a rotation that is under way only when told a time or forced, and never makes keys for it twice")
    func pending() throws {
        var plan = try Plan()
        try plan.rotate(day: 3)
        #expect(throws: SigningKeyRefusal.rotationPending("B", from: Plan.day(14))) { try plan.rotate(day: 4) }
        try plan.rotate(day: 4, asked: 40)
        #expect(plan.schedule.current(at: Plan.day(39)).keyID == "A")
        #expect(plan.schedule.key("A")?.signsUntil == Plan.day(40))
        try plan.rotate(day: 5, force: true)
        #expect(plan.published(day: 5) == "BDA")
        #expect(plan.schedule.keys.count == 3)
    }

    @Test("refuses a time that is past, or more than a year ahead", arguments: [(19, true), (387, false), (386, nil)])
    func times(day: Int, isPast: Bool?) throws {
        var plan = try Plan()
        switch isPast {
        case true?:
            #expect(throws: SigningKeyRefusal.timeInPast(Plan.day(day))) { try plan.rotate(day: 20, asked: day) }
        case false?:
            #expect(throws: SigningKeyRefusal.timeTooFar(Plan.day(day))) {
                try plan.rotate(day: 20, asked: day, force: true)
            }
        case nil: try plan.rotate(day: 20, asked: day)
        }
    }

    @Test("takes a key that no time is set for back and publishes another")
    func revokeReserve() throws {
        var plan = try Plan()
        try plan.revoke("B", day: 1)
        #expect(plan.published(day: 1) == "AD")
        #expect(plan.state("B", day: 1) == .revoked)
        #expect(plan.state("B", day: 900) == .revoked)
    }

    @Test("takes a key back whose time is set: the current one goes on")
    func revokePending() throws {
        var plan = try Plan()
        try plan.rotate(day: 3)
        try plan.revoke("B", day: 4)
        #expect(plan.published(day: 200) == "AD")
        #expect(plan.schedule.key("A")?.signsUntil == nil)
    }

    @Test("takes the current key back: the next one takes over now, with force when it is too new for that")
    func revokeCurrent() throws {
        var plan = try Plan()
        #expect(throws: SigningKeyRefusal.notLongEnough("B", from: Plan.day(14))) { try plan.revoke("A", day: 2) }
        #expect(plan.published(day: 2) == "AB", "a refusal changes nothing")
        try plan.revoke("A", day: 2, force: true)
        #expect(plan.published(day: 2) == "BD")
        var old = try Plan()
        try old.revoke("A", day: 14)
        #expect(old.published(day: 14) == "BD")
    }

    @Test("takes a verifying and a retired key back, so that a signed set can list them")
    func revokeOld() throws {
        for day in [30, 200] {
            var plan = try Plan()
            try plan.rotate(day: 20)
            try plan.revoke("A", day: day)
            #expect(plan.published(day: day) == "BD")
            #expect(plan.schedule.revokedKeys == [RevokedKey(keyID: "A", at: Plan.day(day).seconds)])
            #expect(throws: SigningKeyRefusal.alreadyRevoked("A")) { try plan.revoke("A", day: day) }
        }
    }

    @Test("never lets a superseded key sign again, whatever happens to its successors")
    func successorsRevoked() throws {
        var plan = try Plan()
        try plan.rotate(day: 20)
        try plan.revoke("B", day: 200, force: true)
        #expect(plan.published(day: 200) == "DE")
        #expect(plan.state("A", day: 200) == .retired)
        #expect(plan.schedule.key("A")?.verifiesUntil == Plan.day(140))
    }

    @Test("counts a key as published from the first set that lists it, once a root is in use")
    func root() throws {
        var plan = try Plan()
        plan.schedule.list(["A"], at: Plan.day(5))
        #expect(throws: SigningKeyRefusal.notListed("B")) { try plan.rotate(day: 30) }
        plan.schedule.list(["A", "B"], at: Plan.day(31))
        plan.schedule.list(["A", "B"], at: Plan.day(35))
        try plan.rotate(day: 36)
        #expect(plan.schedule.key("B")?.signsFrom == Plan.day(45))
        #expect(plan.schedule.key("A")?.listedAt == Plan.day(5))
    }

    @Test(
        "destroys only what no longer verifies",
        arguments: [
            ("A", 20, .current), ("B", 20, .next), ("A", 21, .verifying), ("A", 161, nil), ("C", 21, nil),
        ] as [(String, Int, SigningKeyRecord.State?)])
    func destroy(keyID: String, day: Int, needed: SigningKeyRecord.State?) throws {
        var plan = try Plan(["A", "B", "C"])
        if day > 20 { try plan.rotate(day: 21) }
        if keyID == "C" { try plan.revoke("C", day: 21) }
        var schedule = plan.schedule
        if let needed {
            #expect(throws: SigningKeyRefusal.stillNeeded(keyID, needed)) {
                try schedule.destroy(keyID, at: Plan.day(day))
            }
        } else {
            try schedule.destroy(keyID, at: Plan.day(day))
            try schedule.destroy(keyID, at: Plan.day(day + 1))
            #expect(schedule.key(keyID)?.destroyedAt == Plan.day(day), "again changes nothing")
        }
        #expect(throws: SigningKeyRefusal.unknown("Z")) { try schedule.destroy("Z", at: Plan.day(day)) }
    }

    @Test("lets the first key sign before its time, which only a clock set back can show")
    func clockSetBack() throws {
        var plan = try Plan()
        try plan.rotate(day: 20)
        #expect(plan.schedule.current(at: Plan.day(-100)).keyID == "A")
        #expect(plan.schedule.current(at: Plan.day(19)).keyID == "A")
    }

    @Test("of which no key signs is none")
    func noneSigns() throws {
        #expect(throws: KeySchedule.NoneSigns.self) { try KeySchedule(firstKeys: [], at: Plan.day(0)) }
        let waiting = SigningKeyRecord(Plan.key("A"), publishedAt: Plan.day(0))
        #expect(throws: KeySchedule.NoneSigns.self) { try KeySchedule([waiting], usesRoot: false) }
    }

    @Test("holds its rules whatever is done to it", arguments: 0..<40 as Range<UInt64>)
    func anything(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var plan = try Plan()
        var day = 0
        for _ in 0..<6 {
            day += Int.random(in: 1...60, using: &generator)
            let before = plan.schedule
            let force = Bool.random(using: &generator)
            let any = plan.schedule.keys.randomElement(using: &generator)?.keyID ?? "A"
            do {
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: try plan.rotate(day: day, force: force)
                case 1: try plan.rotate(day: day, asked: day + Int.random(in: 0...40, using: &generator), force: force)
                default: try plan.revoke(any, day: day, force: force)
                }
            } catch is SigningKeyRefusal {
                #expect(plan.schedule == before, "seed \(seed)")
            }
            check(plan.schedule, from: day, forced: force, before: before, seed: seed)
        }
    }

    private func check(_ schedule: KeySchedule, from day: Int, forced: Bool, before: KeySchedule, seed: UInt64) {
        #expect(!schedule.reserves.isEmpty, "seed \(seed): no key to go on with")
        for later in day..<day + 200 {
            let now = Plan.day(later)
            let states = schedule.keys.map { schedule.state(of: $0, at: now) }
            #expect(states.filter { $0 == .current }.count == 1, "seed \(seed), day \(later)")
            #expect(schedule.published(at: now).first == schedule.current(at: now), "seed \(seed), day \(later)")
        }
        for key in schedule.keys where !forced && key.signsFrom != before.key(key.keyID)?.signsFrom {
            let waited = key.signsFrom.map { $0 - key.publishedAt } ?? .zero
            #expect(waited >= Plan.life, "seed \(seed): \(key.keyID) signs too early")
        }
    }
}
