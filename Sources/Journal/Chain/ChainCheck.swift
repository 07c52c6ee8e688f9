/// Where the journal is not what its hash chain says: the first such event, and how it is wrong.
package struct ChainFlaw: Sendable, Equatable {
    /// How. What an operator reads is `message`.
    package enum Kind: String, Sendable, CaseIterable {
        case changed
        case missing
        case inserted
        case unsealed
        case cut
        case anchorDiffers = "anchor_differs"
    }

    package let kind: Kind
    package let sequence: Int64

    package init(kind: Kind, sequence: Int64) {
        self.kind = kind
        self.sequence = sequence
    }

    package var message: String {
        switch kind {
        case .changed: "event \(sequence), or its seal, was changed"
        case .missing: "event \(sequence) is missing"
        case .inserted: "event \(sequence) was put in before the first"
        case .unsealed: "event \(sequence) has lost its seal"
        case .cut: "event \(sequence) and what followed up to the anchor is missing"
        case .anchorDiffers: "event \(sequence), or one before it, is not what the anchor was taken of"
        }
    }
}

/// What a check of the chain found.
package struct ChainReport: Sendable, Equatable {
    /// The first flaw; nil in a sound journal.
    package var flaw: ChainFlaw?
    /// Events whose seal was computed again.
    package var checked: Int64 = 0
    /// The last sealed event that was reached.
    package var head: ChainLink?
    /// Events after the last sealed one: the chain says nothing about them yet.
    package var unsealed: Int64 = 0
    /// Where to go on, when not everything was asked for at once.
    package var next: Int64?

    /// Of a check that saw nothing.
    package init() {}
}

/// Follows the chain event by event; holds one hash, however long the journal is.
struct ChainCheck: Sendable {
    private(set) var report = ChainReport()
    /// The next event has a higher number than this.
    private(set) var position: Int64
    private var last: ChainLink
    private var firstUnsealed: Int64?
    private let anchor: ChainLink?

    /// From the first event.
    init(anchor: ChainLink?) {
        position = .min
        last = ChainLink(sequence: 0, hash: .beginning)
        self.anchor = anchor
    }

    /// From the event after `link`, which is taken as it is.
    init(after link: ChainLink, anchor: ChainLink?) {
        position = link.sequence
        last = link
        report.head = link
        self.anchor = anchor
    }

    /// Whether events are reached that no seal covers yet.
    var isInTail: Bool { firstUnsealed != nil }

    /// Takes the next event and its stored seal.
    mutating func take(_ event: ChainedEvent, seal: ChainHash?) {
        let hash = event.hash(after: last.hash)
        if let kind = orderFlaw(of: event) {
            fail(kind, at: kind == .missing ? last.sequence + 1 : event.sequence)
        } else if let seal {
            take(event, seal: seal, hash: hash)
        } else {
            firstUnsealed = firstUnsealed ?? event.sequence
            report.unsealed += 1
        }
        compareAnchor(at: event.sequence, hash)
        last = ChainLink(sequence: event.sequence, hash: hash)
        position = event.sequence
    }

    /// After the last event: `strayLink` is the number of the first seal that no event follows, `anchorLink` the seal
    /// stored at the anchor.
    mutating func end(strayLink: Int64?) {
        if let strayLink { fail(.missing, at: strayLink) }
        guard let anchor, report.flaw == nil else { return }
        if anchor.sequence > last.sequence {
            fail(.cut, at: last.sequence + 1)
        } else if let firstUnsealed, anchor.sequence >= firstUnsealed {
            fail(.unsealed, at: firstUnsealed)
        }
    }

    /// Ends before the last event.
    mutating func pause() { report.next = position + 1 }

    /// Compares the anchor with what is stored at its number, where the check does not come by.
    mutating func compareAnchor(at sequence: Int64, _ hash: ChainHash?) {
        guard let anchor, anchor.sequence == sequence, hash != anchor.hash else { return }
        fail(.anchorDiffers, at: sequence)
    }

    private func orderFlaw(of event: ChainedEvent) -> ChainFlaw.Kind? {
        if event.sequence <= last.sequence { return .inserted }
        // Several writers leave numbers out, one does not.
        return event.writer == 0 && event.sequence != last.sequence + 1 ? .missing : nil
    }

    private mutating func take(_ event: ChainedEvent, seal: ChainHash, hash: ChainHash) {
        if let firstUnsealed { return fail(.unsealed, at: firstUnsealed) }
        guard seal == hash else { return fail(.changed, at: event.sequence) }
        report.checked += 1
        report.head = ChainLink(sequence: event.sequence, hash: seal)
    }

    private mutating func fail(_ kind: ChainFlaw.Kind, at sequence: Int64) {
        if report.flaw == nil { report.flaw = ChainFlaw(kind: kind, sequence: sequence) }
    }
}
