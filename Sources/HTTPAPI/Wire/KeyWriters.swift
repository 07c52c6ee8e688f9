import LicenseToken
import Licensing
import Primitives

// How signing keys and signed key sets look in answers to operators.

extension SigningKeyRecord {
    /// `lacking`: the nodes that serve without its private file.
    func write(to json: inout JSONWriter, in schedule: KeySchedule, lacking: [String] = [], at now: Timestamp) {
        json.member("kid", keyID)
        json.member("state", schedule.state(of: self, at: now).rawValue)
        json.member("published_at", publishedAt.description)
        json.member("listed_at", listedAt?.description)
        json.member("signs_from", signsFrom?.description)
        json.member("signs_until", signsUntil?.description)
        json.member("verifies_until", verifiesUntil?.description)
        json.member("revoked_at", revokedAt?.description)
        json.member("destroyed_at", destroyedAt?.description)
        json.member("missing_on", lacking)
        // What published_at was called at first.
        json.member("created_at", publishedAt.description)
    }
}

extension KeySchedule {
    /// All keys in the order in which they matter, or those in one of `states`, and what is to be known about the
    /// signed set. `lacking`: for a key's id, the nodes that serve without its private file.
    func json(
        _ keySets: KeySetPublisher, lacking: [String: [String]], at now: Timestamp,
        only states: [SigningKeyRecord.State] = []
    ) -> [UInt8] {
        let rest = keys.filter { [.retired, .revoked].contains(state(of: $0, at: now)) }
        let listed = (published(at: now) + rest).filter { states.isEmpty || states.contains(state(of: $0, at: now)) }
        return JSONWriter.object { json in
            json.member("data", objects: listed) { key, json in
                key.write(to: &json, in: self, lacking: lacking[key.keyID] ?? [], at: now)
            }
            json.member(signedKeySet: keySets.published)
            json.member("warnings", objects: keySets.notices(on: self, at: now)) { notice, json in
                json.member("code", notice.rawValue)
                json.member("message", notice.message)
            }
        }
    }
}

extension JSONWriter {
    /// What is served at `/api/v1/installer/keys`, or null.
    mutating func member(signedKeySet set: PublishedKeySet?) {
        guard let set else { return member("signed_key_set", nil as String?) }
        member("signed_key_set") { $0.members(of: set) }
    }

    mutating func members(of set: PublishedKeySet) {
        member("sequence", set.sequence)
        member("root", json: JSONWebKeySet.jwk(set.root))
        member("issued_at", set.issuedAt.description)
        member("expires_at", set.expiresAt.description)
        member("document", set.document)
    }
}
