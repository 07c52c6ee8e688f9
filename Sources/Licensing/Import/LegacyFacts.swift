import Crypto
import Primitives

/// What old clients are told of a license that came from another system, besides what it allows here. No personal data.
package struct LegacyFacts: Sendable, Equatable {
    /// As the other system calls them; nil for a license that did not come from there.
    package var service: String?
    package var product: String?
    package var productName: String?
    package var registered: String?
    package var nextDue: String?
    package var billingCycle: String?
    package var options: [ImportedOption] = []
    package var addons: [ImportedAddon] = []
    /// What the other system's standing made of it last: the next import undoes no more than that.
    var hold: String?
    /// By which clients check answers; nil when they do not.
    package var secret: String?

    package init() {}

    init(_ license: ImportedLicense, hold: String) {
        service = license.service
        product = license.product
        registered = license.registered?.description
        nextDue = license.standing.nextDue?.description
        billingCycle = license.billingCycle
        options = license.options
        addons = license.addons
        self.hold = hold
    }

    /// MD5 of the secret and what the client sent, in hexadecimal: by this clients of the licensing addon know who
    /// answers. MD5 is theirs to choose; nothing of ours rests on it.
    package func md5(checkToken: [UInt8]) -> String? {
        secret.map { secret in
            Hexadecimal.encode(Insecure.MD5.hash(data: Array(secret.utf8) + checkToken))
        }
    }
}

// MARK: - Stored form

extension LegacyFacts {
    /// All but the names and secrets of products, which belong to those.
    var stored: String {
        let json = JSONWriter.object { json in
            json.member("service", service)
            json.member("product", product)
            json.member("registered", registered)
            json.member("next_due", nextDue)
            json.member("billing_cycle", billingCycle)
            json.member("hold", hold)
            json.member("config_options", objects: options) { option, json in
                json.member("name", option.name)
                json.member("value", option.value)
            }
            json.member("addons", objects: addons) { addon, json in
                json.member("name", addon.name)
                json.member("next_due", addon.nextDue?.description)
                json.member("status", addon.status)
            }
        }
        return String(decoding: json, as: UTF8.self)
    }

    /// Reads what `stored` wrote; a text that is none gives nothing.
    init(stored: String) {
        guard let object = (try? JSONReader.read(stored.utf8))?.objectValue else { return }
        service = object["service"]?.stringValue
        product = object["product"]?.stringValue
        registered = object["registered"]?.stringValue
        nextDue = object["next_due"]?.stringValue
        billingCycle = object["billing_cycle"]?.stringValue
        hold = object["hold"]?.stringValue
        options = Self.objects(object["config_options"]).map {
            ImportedOption(name: $0["name"]?.stringValue ?? "", value: $0["value"]?.stringValue ?? "")
        }
        addons = Self.objects(object["addons"]).map {
            ImportedAddon(
                name: $0["name"]?.stringValue ?? "",
                nextDue: $0["next_due"]?.stringValue.flatMap { CivilDate(text: $0) },
                status: $0["status"]?.stringValue ?? "")
        }
    }

    private static func objects(_ list: JSONValue?) -> [JSONObject] {
        list?.arrayValue?.compactMap(\.objectValue) ?? []
    }
}
