import Primitives

/// The names of the numbers in a product's offline keys: its own number, its license types, its features.
///
/// A product publishes the document, `signet product codes CODE --json` prints it, and a program carries it beside its
/// pinned keys. Numbers are only ever added, never given to another name, so an old document reads every key it knows:
///
///     {"product":"whm-panel","number":7,"types":{"professional":1},"features":{"whm":0,"billing":1}}
public struct OfflineKeyNames: Sendable, Equatable {
    /// Bytes of the longest document that is read.
    public static let documentBytesMax = 65_536

    /// The product's code.
    public let product: String

    /// The product's number, 1 or more.
    public let number: UInt32

    /// The code of each license type, 1…255.
    public let types: [String: UInt8]

    /// The bit of each feature, 0…63.
    public let features: [String: UInt8]

    /// Names of which no two share a number.
    package init?(product: String, number: UInt32, types: [String: UInt8], features: [String: UInt8]) {
        guard number > 0, types.values.allSatisfy({ $0 > 0 }), features.values.allSatisfy({ $0 < 64 }),
            Set(types.values).count == types.count, Set(features.values).count == features.count
        else { return nil }
        self.product = product
        self.number = number
        self.types = types
        self.features = features
    }

    /// Reads the document. Throws ``LicenseTokenError/Code/malformed`` unless it is strict JSON of the shape above in
    /// which no two types and no two features share a number.
    public init(json: [UInt8]) throws(LicenseTokenError) {
        guard json.count <= Self.documentBytesMax else {
            throw LicenseTokenError(.malformed, "the names are longer than \(Self.documentBytesMax) bytes")
        }
        let document = try JSONObject(strict: json, orThrow: .malformed, as: "list of names")
        guard let product = document["product"]?.stringValue,
            let number = document["number"]?.integerValue.flatMap({ UInt32(exactly: $0) }),
            let types = Self.numbers(document["types"]), let features = Self.numbers(document["features"]),
            let names = Self(product: product, number: number, types: types, features: features)
        else {
            throw LicenseTokenError(
                .malformed, "the names are not product, number, types of 1…255 and features of 0…63, each number once"
            )
        }
        self = names
    }

    /// The document, names in the order of their numbers.
    package var json: [UInt8] {
        JSONWriter.object { document in
            document.member("product", product)
            document.member("number", Int64(number))
            document.member("types", json: Self.json(types))
            document.member("features", json: Self.json(features))
        }
    }

    /// The type with this code, or nil if it is newer than the document.
    func type(code: UInt8) -> String? { types.first { $0.value == code }?.key }

    /// The features whose bits are set, in the order of the bits; those newer than the document are missing.
    func features(bits: UInt64) -> [String] {
        features.sorted { $0.value < $1.value }.filter { bits >> UInt64($0.value) & 1 == 1 }.map(\.key)
    }

    private static func numbers(_ value: JSONValue?) -> [String: UInt8]? {
        guard let object = value?.objectValue else { return nil }
        var numbers: [String: UInt8] = [:]
        for (name, value) in object.members {
            guard let number = value.integerValue.flatMap({ UInt8(exactly: $0) }), !name.isEmpty else { return nil }
            numbers[name] = number
        }
        return numbers.count == object.members.count ? numbers : nil
    }

    private static func json(_ numbers: [String: UInt8]) -> [UInt8] {
        let members = numbers.sorted { $0.value < $1.value }.map { name, number in
            JSONWriter.text(name) + ":\(number)".utf8
        }
        return Array("{".utf8) + members.joined(separator: ",".utf8) + Array("}".utf8)
    }
}
