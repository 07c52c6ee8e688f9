import Licensing
import Primitives

/// An answer as clients of WHMCS's licensing addon read it: one `<tag>value</tag>` a line. Tags without a value are
/// left out. No name and no e-mail is told.
struct LegacyReply {
    private(set) var bytes: [UInt8] = []

    /// The answer to `check`; `facts` only when its key opens a license.
    init(_ answer: ValidationAnswer, to check: LegacyCheck, _ facts: LegacyFacts?) {
        tag("status", answer.verdict.legacyStatus)
        if answer.verdict.isValid {
            if let facts { tell(facts, answer) }
            tag("validdomain", check.domain)
            tag("validip", check.address)
            tag("validdirectory", check.directory)
        } else {
            tag("message", answer.message)
        }
        if !check.checkToken.isEmpty { tag("md5hash", facts?.md5(checkToken: check.checkToken)) }
    }

    private mutating func tell(_ facts: LegacyFacts, _ answer: ValidationAnswer) {
        let ends = answer.expiresAt?.lastValidDay.description
        tag("serviceid", facts.service)
        tag("productid", facts.product)
        tag("productname", facts.productName ?? answer.license?.product.name)
        tag("regdate", facts.registered)
        tag("nextduedate", ends ?? facts.nextDue ?? "0000-00-00")
        tag("billingcycle", facts.billingCycle)
        let options = facts.options.map { "\(Self.cell($0.name))=\(Self.cell($0.value))" }
        tag("configoptions", options.joined(separator: "|"))
        let addons = facts.addons.map { addon in
            "name=\(Self.cell(addon.name));nextduedate=\(addon.nextDue?.description ?? "0000-00-00");"
                + "status=\(Self.cell(addon.status))"
        }
        tag("addons", addons.joined(separator: "|"))
    }

    private mutating func tag(_ name: String, _ text: String?) { tag(name, Array(Self.line(text ?? "").utf8)) }

    private mutating func tag(_ name: String, _ value: [UInt8]) {
        guard !value.isEmpty else { return }
        bytes += Array("<\(name)>".utf8) + value + Array("</\(name)>\n".utf8)
    }

    /// Without what could begin a tag or a line.
    private static func line(_ text: String) -> String {
        String(text.map { $0.isNewline || $0 == "<" || $0 == ">" ? " " : $0 })
    }

    /// Without what separates values from each other too.
    private static func cell(_ text: String) -> String { String(text.map { ";|".contains($0) ? " " : $0 }) }
}

extension Verdict {
    /// The word for it that old clients know. A license that was terminated has expired for them.
    var legacyStatus: String {
        switch self {
        case .valid, .expiredGrace: "Active"
        case .suspended: "Suspended"
        case .expired, .revoked: "Expired"
        case .keyMalformed, .notFound, .notYetValid, .productMismatch, .versionNotAllowed, .domainNotAllowed,
            .ipNotAllowed, .notActivated, .addressLimit, .activationLimit, .deactivationLimit:
            "Invalid"
        }
    }
}
