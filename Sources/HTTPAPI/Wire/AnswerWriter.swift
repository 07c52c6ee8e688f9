import Licensing
import Primitives

extension ValidationAnswer {
    /// The answer as the guide shapes it, and the members that are ours, always all of them (DESIGN §4).
    package var json: [UInt8] { json(revocations: nil) }

    /// The same with the sequence of the newest list of revoked licenses, and where it is.
    package func json(revocations sequence: Int64?) -> [UInt8] {
        JSONWriter.object { write(to: &$0, revocations: sequence) }
    }

    fileprivate func write(to json: inout JSONWriter, revocations sequence: Int64?) {
        json.member("valid", verdict.isValid)
        writeLicense(to: &json)
        json.member("code", verdict.rawValue)
        json.member("message", message)
        json.member("action_url", verdict == .valid ? nil : license?.product.actionURL)
        json.member("license_id", license?.facts.id.description)
        json.member("product", license?.product.code.text)
        writeActivation(to: &json)
        json.member("expires_at_time", expiresAt?.description)
        json.member("grace_until", graceUntil?.description)
        json.member("next_check_at", nextCheckAt.description)
        json.member("server_time", serverTime.description)
        json.member("nonce", nonce)
        json.member("token", token.map { String(decoding: $0, as: UTF8.self) })
        json.member("stale", isStale)
        json.member("warnings", objects: warnings) { warning, json in
            json.member("code", warning.code)
            json.member("message", warning.message)
            json.member("at", warning.at.description)
        }
        if let sequence {
            json.member("revocations") { json in
                json.member("sequence", sequence)
                json.member("url", RevocationPublisher.path)
            }
        }
    }

    private func writeLicense(to json: inout JSONWriter) {
        json.member("license_type", license?.policy.licenseType.text)
        json.member("expires_at", expiresAt?.lastValidDay.description)
        json.member("max_activations", license.map { Int64($0.policy.maxActivations) })
        json.member("current_activations", Int64(license?.facts.used ?? 0))
        json.member("features", license?.policy.features.map(\.text) ?? [])
    }

    private func writeActivation(to json: inout JSONWriter) {
        guard let seat else {
            json.member("activation", nil as String?)
            return
        }
        json.member("activation") { json in
            json.member("id", seat.place?.activation.description)
            json.member("domain", seat.installation.domain?.ascii)
            json.member("ip", seat.installation.address.description)
            json.member("kind", seat.place?.kind.name ?? "development")
            json.member("first_seen", seat.place?.firstSeen.description)
        }
    }

    /// Nil for a license that never expires.
    var expiresAt: Timestamp? {
        license.flatMap { $0.facts.expiresAt == .distantFuture ? nil : $0.facts.expiresAt }
    }

    private var graceUntil: Timestamp? {
        license.flatMap { license in expiresAt.flatMap { license.graceEnd > $0 ? license.graceEnd : nil } }
    }
}

extension Deactivation {
    /// The members of a check, and `released`: the activations that hold no seat any more.
    package func json(revocations sequence: Int64) -> [UInt8] {
        JSONWriter.object { json in
            answer.write(to: &json, revocations: sequence)
            json.member("released", released.map(\.description))
        }
    }
}
