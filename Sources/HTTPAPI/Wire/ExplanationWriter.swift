import Licensing
import Primitives

extension Explanation {
    /// The explanation as a JSON object: the verdict, what was asked in canonical form, and the rules in their order.
    var json: [UInt8] {
        JSONWriter.object { json in
            json.member("valid", verdict.isValid)
            json.member("code", verdict.rawValue)
            json.member("message", verdict.message)
            json.member("license_id", license?.facts.id.description)
            json.member("product", license?.product.code.text)
            json.member("domain", installation?.domain?.ascii)
            json.member("ip_address", installation?.address.description)
            json.member("installation_id", installation?.installationID?.text)
            json.member("counted_by", counting?.countedBy.rawValue)
            json.member("counted_as", counting?.identity)
            json.member("network", counting?.network)
            json.member("development", counting?.isDevelopment ?? false)
            json.member("domain_grant", domainGrant?.description)
            json.member("network_grant", networkGrant?.description)
            json.member("rules", objects: steps) { $0.write(to: &$1) }
        }
    }
}

extension Explanation.Step {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("rule", rule)
        json.member("outcome", outcome.rawValue)
        json.member("code", refusal.rawValue)
        json.member("values") { json in
            for (name, value) in values { json.member(name, value) }
        }
    }
}
