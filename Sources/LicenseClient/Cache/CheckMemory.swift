import Primitives

/// What an installation remembers between checks: the file `state.json`, the same in our clients of all languages. All
/// instants are unix seconds, 0 for never.
struct CheckMemory: Equatable, Sendable {
    /// When a well-formed key was first checked: from then on the first 72 hours run, once.
    var provisionalSince: Int64 = 0
    /// The highest time seen at a check.
    var highestSeen: Int64 = 0
    /// Since when this machine could not verify anything.
    var unverifiableSince: Int64 = 0
    /// Attempts since the last answer that was of use, the present one included.
    var failures: Int64 = 0
    /// When the next check is due.
    var nextAttempt: Int64 = 0
    /// When the signed key set was last asked for.
    var keysAsked: Int64 = 0
    /// The last verdict that refused without ending.
    var refused = ""
    /// The verdict that ended the token.
    var ended = ""
    /// The verdict that came with the token that is held.
    var verdict = ""
    /// How the last check failed.
    var error = ""
    /// Why a key set or list was not taken in beside the last answer.
    var notice = ""
    /// The service's last sentence.
    var message = ""
    /// The service's last advice where to do something.
    var actionURL = ""
    /// The service's last warnings.
    var notices: [LicenseNotice] = []
    /// Whose memory it is: see ``LicenseClient/identity``.
    var identity: String
    /// The file was there and could not be read: this is a fresh memory in its place.
    var isDamaged = false

    init(identity: String) { self.identity = identity }
}

// MARK: - As a file

extension CheckMemory {
    private static let numbers: [(name: String, path: any WritableKeyPath<CheckMemory, Int64> & Sendable)] = [
        ("provisional_since", \.provisionalSince), ("highest_seen", \.highestSeen),
        ("unverifiable_since", \.unverifiableSince), ("failures", \.failures), ("next_attempt", \.nextAttempt),
        ("keys_asked", \.keysAsked),
    ]

    private static let texts: [(name: String, path: any WritableKeyPath<CheckMemory, String> & Sendable)] = [
        ("refused", \.refused), ("ended", \.ended), ("verdict", \.verdict), ("error", \.error), ("notice", \.notice),
        ("message", \.message),
        ("action_url", \.actionURL), ("for", \.identity),
    ]

    /// Instants and counts in a file are at most 2^53-1, so that sums with them cannot overflow.
    private static let integers: ClosedRange<Int64> = 0...(1 << 53 - 1)

    /// The memory in a file. A missing or unreadable one is a fresh memory; of one that is another key's or
    /// installation's only what a change of them must not start again is kept.
    init(reading contents: LicenseCache.Contents, for identity: String) {
        self.init(identity: identity)
        switch contents {
        case .absent: break
        case .unreadable: isDamaged = true
        case .text(let text):
            guard let stored = Self(json: text) else {
                isDamaged = true
                return
            }
            if stored.identity == identity {
                self = stored
            } else {
                provisionalSince = stored.provisionalSince
                highestSeen = stored.highestSeen
            }
        }
    }

    /// Nil unless `text` is a strict JSON object whose known members have their types.
    private init?(json text: String) {
        // Any damage is answered in the same way.
        guard let object = try? JSONReader.read(text.utf8).objectValue else { return nil }
        self.init(identity: "")
        for (name, path) in Self.numbers {
            guard let value = object[name] else { continue }
            guard let number = value.integerValue, Self.integers.contains(number) else { return nil }
            self[keyPath: path] = number
        }
        for (name, path) in Self.texts {
            guard let value = object[name] else { continue }
            guard let text = value.stringValue else { return nil }
            self[keyPath: path] = text
        }
        notices = object["notices"].map(LicenseNotice.list) ?? []
    }

    /// The file's text. Never the license key.
    var json: String {
        let bytes = JSONWriter.object { json in
            json.member("provisional_since", provisionalSince)
            json.member("highest_seen", highestSeen)
            json.member("unverifiable_since", unverifiableSince)
            json.member("failures", failures)
            json.member("next_attempt", nextAttempt)
            json.member("keys_asked", keysAsked)
            json.member("refused", refused)
            json.member("ended", ended)
            json.member("verdict", verdict)
            json.member("error", error)
            json.member("notice", notice)
            json.member("message", message)
            json.member("action_url", actionURL)
            json.member("notices", objects: notices) { notice, json in
                json.member("code", notice.code)
                json.member("message", notice.message)
            }
            json.member("for", identity)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension LicenseNotice {
    /// The readable ones of a list, as an answer or a memory has it.
    static func list(_ value: JSONValue) -> [LicenseNotice] {
        (value.arrayValue ?? []).prefix(CheckLimits.noticesMax).compactMap { entry in
            guard let code = entry.objectValue?["code"]?.stringValue else { return nil }
            let message = entry.objectValue?["message"]?.stringValue ?? ""
            return LicenseNotice(code: code.shortened, message: message.shortened)
        }
    }
}
