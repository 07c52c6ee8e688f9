package import Primitives

extension ImportRecord {
    /// Bytes of a text unless told otherwise.
    static let textBytesMax = 200
    /// Bytes of a domain or address.
    static let locationBytesMax = 1024
    /// Options, or addons, of one license.
    static let extrasMax = 100

    /// Reads a line. Throws `InvalidInput` with all that is wrong with it; members that are not known are ignored.
    package init(_ object: JSONObject) throws(InvalidInput) {
        var reader = RecordReader(object)
        let record: ImportRecord?
        switch reader.choice("type", ImportKind.init(rawValue:), of: ImportKind.allCases.map(\.rawValue)) {
        case .product: record = reader.product().map(ImportRecord.product)
        case .customer: record = reader.id("id").map { .customer(ImportedCustomer(id: $0)) }
        case .license: record = reader.license().map(ImportRecord.license)
        case nil: record = nil
        }
        guard let record, reader.violations.isEmpty else { throw InvalidInput(reader.violations) }
        self = record
    }
}

/// The members of a line, taken one by one; what is wrong with any of them is collected.
struct RecordReader {
    private let object: JSONObject
    private(set) var violations: [InvalidInput.Violation] = []

    init(_ object: JSONObject) { self.object = object }

    /// A text; nil when it is absent, null or empty.
    mutating func text(_ name: String, bytesMax: Int = ImportRecord.textBytesMax) -> String? {
        guard let value = object[name], value != .null, value != .string("") else { return nil }
        guard let text = value.stringValue else { return refuse(name, "must be a string, not a \(value.typeName)") }
        guard text.utf8.count <= bytesMax else { return refuse(name, "must have at most \(bytesMax) bytes") }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            return refuse(name, "must not hold control characters")
        }
        return text
    }

    mutating func required(_ name: String, bytesMax: Int = ImportRecord.textBytesMax) -> String? {
        let before = violations.count
        if let text = text(name, bytesMax: bytesMax) { return text }
        return violations.count == before ? refuse(name, "must be there and not empty") : nil
    }

    /// How the other system calls something: 1…64 of letters, digits and `. _ : -`.
    mutating func id(_ name: String) -> String? {
        guard let text = required(name) else { return nil }
        guard text.utf8.count <= 64, text.utf8.allSatisfy({ $0.isDigit || $0.isLetter || "._:-".utf8.contains($0) })
        else { return refuse(name, "must be 1 to 64 of letters, digits and . _ : -") }
        return text
    }

    mutating func flag(_ name: String) -> Bool {
        switch object[name] {
        case nil, .null: return false
        case .bool(let truth): return truth
        default:
            refuse(name, "must be true or false") as Void
            return false
        }
    }

    /// A day; nil when it is absent, null, empty or the zero date of MySQL.
    mutating func date(_ name: String) -> CivilDate? {
        guard let text = text(name), text != "0000-00-00" else { return nil }
        return CivilDate(text: text) ?? refuse(name, "must be YYYY-MM-DD, or null")
    }

    mutating func choice<Value>(_ name: String, _ parse: (String) -> Value?, of names: [String]) -> Value? {
        guard let text = required(name) else { return nil }
        return parse(text) ?? refuse(name, "must be one of \(names.joined(separator: ", "))")
    }

    mutating func texts(_ name: String, max: Int) -> [String] {
        guard let value = object[name], value != .null else { return [] }
        let texts = value.arrayValue?.compactMap(\.stringValue)
        guard let texts, texts.count == value.arrayValue?.count, texts.count <= max,
            texts.allSatisfy({ $0.utf8.count <= ImportRecord.locationBytesMax })
        else {
            refuse(
                name, "must be a list of at most \(max) strings of at most \(ImportRecord.locationBytesMax) bytes")
                as Void
            return []
        }
        return texts
    }

    /// The objects of a list, each read by `read`.
    mutating func objects<Value>(
        _ name: String, max: Int, _ read: (inout RecordReader) -> Value?
    ) -> [Value] {
        guard let value = object[name], value != .null else { return [] }
        let objects = value.arrayValue?.compactMap(\.objectValue)
        guard let objects, objects.count == value.arrayValue?.count, objects.count <= max else {
            refuse(name, "must be a list of at most \(max) objects") as Void
            return []
        }
        return objects.enumerated().compactMap { position, object in
            var reader = RecordReader(object)
            let value = read(&reader)
            violations += reader.violations.map {
                InvalidInput.Violation(member: "\(name)[\(position)].\($0.member)", reason: $0.reason)
            }
            return value
        }
    }

    mutating func refuse(_ name: String, _ reason: String) {
        violations.append(.init(member: name, reason: reason))
    }

    mutating func refuse<Value>(_ name: String, _ reason: String) -> Value? {
        violations.append(.init(member: name, reason: reason))
        return nil
    }
}

// MARK: - Lines

extension RecordReader {
    mutating func product() -> ImportedProduct? {
        let (id, name, code) = (id("id"), required("name"), text("code"))
        let secret = text("secret")
        let (anyDomain, anyAddress) = (flag("allows_any_domain"), flag("allows_any_address"))
        guard let id, let name else { return nil }
        return ImportedProduct(
            id: id, name: name, code: code, secret: secret, allowsAnyDomain: anyDomain, allowsAnyAddress: anyAddress)
    }

    mutating func license() -> ImportedLicense? {
        let (id, service, product, customer) = (id("id"), id("service"), id("product"), id("customer"))
        let key = required("key", bytesMax: ImportRecord.locationBytesMax).flatMap { text in
            ImportedKey(typed: text) ?? refuse("key", ImportedKey.expectation)
        }
        let standing = standing()
        let (registered, cycle) = (date("registered"), text("billing_cycle"))
        let domains = texts("domains", max: ImportedLicense.locationsMax)
        let addresses = texts("addresses", max: ImportedLicense.locationsMax)
        let options = objects("config_options", max: ImportRecord.extrasMax) { $0.option() }
        let addons = objects("addons", max: ImportRecord.extrasMax) { $0.addon() }
        guard let id, let service, let product, let customer, let key, let standing else { return nil }
        return ImportedLicense(
            id: id, service: service, product: product, customer: customer, key: key, standing: standing,
            registered: registered, billingCycle: cycle, domains: domains, addresses: addresses, options: options,
            addons: addons)
    }

    private mutating func standing() -> WHMCSStanding? {
        let license = choice(
            "status", WHMCSStanding.License.init(rawValue:), of: WHMCSStanding.License.allCases.map(\.rawValue))
        let service = choice(
            "service_status", WHMCSStanding.Service.init(rawValue:),
            of: WHMCSStanding.Service.allCases.map(\.rawValue))
        let (nextDue, reason) = (date("next_due"), text("suspend_reason", bytesMax: WHMCSStanding.reasonBytesMax))
        let exemption = exemption()
        guard let license, let service else { return nil }
        return WHMCSStanding(
            license: license, service: service, nextDue: nextDue, suspendReason: reason, exemption: exemption)
    }

    private mutating func exemption() -> WHMCSStanding.Exemption? {
        guard let text = text("never_suspend") else { return nil }
        if text == "always" { return .always }
        return CivilDate(text: text).map { .until($0) }
            ?? refuse("never_suspend", "must be \"always\", YYYY-MM-DD or null")
    }

    fileprivate mutating func option() -> ImportedOption? {
        let (name, value) = (required("name"), text("value"))
        return name.map { ImportedOption(name: $0, value: value ?? "") }
    }

    fileprivate mutating func addon() -> ImportedAddon? {
        let (name, nextDue, status) = (required("name"), date("next_due"), required("status"))
        guard let name, let status else { return nil }
        return ImportedAddon(name: name, nextDue: nextDue, status: status)
    }
}
