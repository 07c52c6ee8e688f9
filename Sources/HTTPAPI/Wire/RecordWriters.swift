import Customers
import Database
import Licensing
import Primitives

// How records look in answers to operators: one function a kind.

extension Customer {
    func write(to json: inout JSONWriter) {
        json.member("id", id.rawValue)
        json.member("reference", reference)
        json.member("state", state.rawValue)
        json.member("version", version)
        json.member("created_at", createdAt.description)
    }
}

extension Product {
    func write(to json: inout JSONWriter) {
        json.member("code", code.text)
        json.member("name", name)
        policy.settings.write(to: &json)
        json.member("settings", json: settings.json())
        json.member("key_groups", Int64(keyFormat.groups))
        json.member("key_prefix", keyFormat.prefix)
        json.member("action_url", actionURL)
        json.member("version", version)
        json.member("created_at", createdAt.description)
    }
}

extension LicenseRecord {
    /// The members of a license; its key only when it was just issued.
    func write(to json: inout JSONWriter, key: LicenseKey? = nil, at now: Timestamp) {
        json.member("id", license.id.description)
        if let key { json.member("license_key", key.text) }
        json.member("last4", last4)
        json.member("customer_id", license.customerID.rawValue)
        json.member("product", productCode.text)
        license.policy.settings.write(to: &json)
        json.member("overrides", json: license.overrides.json())
        json.member("batch", license.batch?.text)
        json.member("status", license.status(at: now).rawValue)
        writeState(to: &json)
        json.member("expires_at", license.expiresAt?.lastValidDay.description)
        json.member("expires_at_time", license.expiresAt?.description)
        json.member("grace_until", license.graceUntil?.description)
        json.member("current_activations", Int64(license.used))
        if let networks { json.member("networks", Int64(networks)) }
        json.member("not_before", license.notBefore?.description)
        json.member("over_limit_until", license.overLimitUntil?.description)
        json.member("version", license.version)
        json.member("created_at", license.createdAt.description)
    }
}

extension LicenseRecord {
    /// Who makes each choice: the license, its product, or nobody.
    func sources(under product: Product) -> JSONObject {
        var sources = JSONObject()
        for field in PolicyField.all {
            let isOwn = license.overrides.value(of: field) != .null
            let source = isOwn ? "license" : product.settings.value(of: field) != .null ? "product" : "default"
            _ = sources.append(field.name, .string(source))
        }
        return sources
    }
}

extension ProductUpdate {
    /// The product, what was changed, and what that means for its licenses.
    func write(to json: inout JSONWriter) {
        product.write(to: &json)
        alterations.write(to: &json)
        json.member("licenses") { json in
            json.member("total", Int64(licenses))
            json.member("affected", Int64(affected))
            json.member("recounted", Int64(recounted))
            json.member("over_limit", Int64(overLimit))
            json.member("within_limit", Int64(withinLimit))
        }
    }
}

extension LicenseUpdate {
    /// The license, and what was changed.
    func write(to json: inout JSONWriter, at now: Timestamp) {
        record.write(to: &json, at: now)
        alterations.write(to: &json)
        json.member("recounted", isRecounted)
    }
}

extension Activation {
    func write(to json: inout JSONWriter) {
        json.member("id", id.description)
        json.member("domain", domain ?? carried.domain)
        json.member("network", network)
        json.member("installation_id", installationID ?? carried.installationID)
        json.member("kind", kind.name)
        json.member("held_until", heldUntil?.description)
        json.member("first_seen", firstSeen.description)
        json.member("last_seen", lastSeen.description)
        json.member("addresses", objects: addresses) { address, json in
            json.member("address", address.address)
            json.member("peer", address.peer)
            json.member("first_seen", address.firstSeen.description)
            json.member("last_seen", address.lastSeen.description)
        }
    }
}

extension Listing {
    /// `{data, meta, links}`; the links are the same path with another page.
    func json(_ page: Page, path: String, query: String, _ write: (Item, inout JSONWriter) -> Void) -> [UInt8] {
        let pages = max(1, (total + Int64(page.perPage) - 1) / Int64(page.perPage))
        func link(_ number: Int) -> String? {
            guard (1...pages).contains(Int64(number)) else { return nil }
            return "\(path)?\(query)page=\(number)&per_page=\(page.perPage)"
        }
        return JSONWriter.object { json in
            json.member("data", objects: items) { write($0, &$1) }
            json.member("meta") { json in
                json.member("page", Int64(page.number))
                json.member("per_page", Int64(page.perPage))
                json.member("total", total)
            }
            json.member("links") { json in
                json.member("self", "\(path)?\(query)page=\(page.number)&per_page=\(page.perPage)")
                json.member("next", link(page.number + 1))
                json.member("prev", link(page.number - 1))
            }
        }
    }
}
