import LicenseToken

// What is fetched beside an answer: newer keys, and the list of revoked licenses. A failure is a warning and no more.
extension LicenseClient {
    /// What taking in a document did.
    enum Change: Sendable {
        case updated
        case kept
        case notRecorded
    }

    /// Fetches and takes in what is due after `reply`, as far as there is time. What went wrong, for people; empty if
    /// nothing did.
    func follow(_ reply: Conversation.Reply, in conversation: Conversation, at now: Int64) async -> String {
        guard reply.answer.isValid || !CheckLimits.endingCodes.contains(reply.answer.code) else { return "" }
        let due = await cache.locked(before: conversation.deadline.instant) { recordFollowUps(reply.answer, at: now) }
        var notices: [String] = []
        if due?.keySet == true {
            let document = await conversation.fetch("keys", from: reply.server, bytesMax: TrustedRoot.documentBytesMax)
            let notice = await takeIn(document, in: conversation) { text throws(LicenseTokenError) in
                try take(keySet: text, at: now)
            }
            // The vendor has signed none: the pins hold.
            if document.status != 404, let notice { notices.append("keys: \(notice)") }
        }
        if due?.list == true {
            let list = await conversation.fetch(
                "revocations", from: reply.server, bytesMax: RevocationList.textBytesMax)
            let notice = await takeIn(list, in: conversation) { text throws(LicenseTokenError) in
                try take(revocations: text, at: now)
            }
            if let notice { notices.append("revocations: \(notice)") }
        }
        return notices.joined(separator: "; ")
    }

    /// Decides, and writes down that the key set is asked for; under the lock. What cannot be written down is not
    /// asked.
    private func recordFollowUps(_ answer: ValidateAnswer, at now: Int64) -> FollowUps {
        guard case .success(let trust) = trust else { return .none }
        var memory = readMemory()
        let offered = answer.token.map { verify(LicenseToken($0), at: now) } ?? .none
        let due = FollowUps.due(
            FollowUps.Facts(
                keysAsked: memory.keysAsked, now: now, hasRoot: trust.root != nil,
                meetsUnknownKey: offered.refusal == .unknownKey, heldSequence: trust.revocations?.sequence ?? 0,
                namedSequence: answer.revocationSequence))
        guard due.keySet else { return due }
        memory.keysAsked = now
        return remember(memory) ? due : .none
    }

    /// Takes in what was fetched. Why it was not taken, or nil.
    private func takeIn(
        _ text: Result<String, CheckFailure>, in conversation: Conversation,
        _ take: (String) throws(LicenseTokenError) -> Change
    ) async -> String? {
        guard case .success(let text) = text else { return text.failure?.reason }
        let change = await cache.locked(before: conversation.deadline.instant) {
            Result { () throws(LicenseTokenError) in try take(text) }
        }
        switch change {
        case .success(.updated), .success(.kept): return nil
        case .success(.notRecorded), nil: return RefreshOutcome.notRecorded.rawValue
        case .failure(let error): return error.code.rawValue
        }
    }

    /// Takes in a key set if the pinned root signed it and it is newer than the one that is held. Under the lock.
    func take(keySet document: String, at now: Int64) throws(LicenseTokenError) -> Change {
        let trust = try trust.get()
        guard let root = trust.root else { throw LicenseTokenError(.malformedKeySet, "no root is pinned") }
        let set = try root.accept(document, over: trust.signedKeys, issuer: configuration.issuer, at: now)
        if set.sequence == trust.signedKeys?.sequence { return .kept }
        return cache.replace(.keySet, with: document) ? .updated : .notRecorded
    }

    /// Takes in a list if a trusted key signed it and it is newer than the one that is held, which an old one must not
    /// undo. Under the lock.
    func take(revocations text: String, at now: Int64) throws(LicenseTokenError) -> Change {
        let trust = try trust.get()
        let list = try RevocationList(received: text, keys: trust.keys, issuer: configuration.issuer, at: now)
        if let held = trust.revocations, list.sequence <= held.sequence {
            guard list.sequence == held.sequence else {
                throw LicenseTokenError(.outdated, "number \(list.sequence) came, and \(held.sequence) is held")
            }
            return .kept
        }
        return cache.replace(.revocations, with: text) ? .updated : .notRecorded
    }
}

extension Result where Failure == CheckFailure {
    fileprivate var failure: CheckFailure? { if case .failure(let failure) = self { failure } else { nil } }

    /// The status under which nothing came.
    fileprivate var status: Int? { failure?.status }
}
