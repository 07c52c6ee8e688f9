import Primitives

/// What one offline key says: its payload's fields in their order (``OfflineKey`` has the layout).
package struct OfflineKeyFacts: Sendable, Equatable {
    static let version: UInt8 = 1

    /// 2020-01-01T00:00:00Z in unix seconds: where a key's instants begin.
    package static let epoch: Int64 = 1_577_836_800

    /// The instants a key can hold, in unix seconds: through 2156-02-07T06:28:14Z.
    package static let instants: ClosedRange<Int64> = epoch...(epoch + Int64(never) - 1)

    /// In place of an instant.
    private static let never = UInt32.max

    /// The product's published number, 1 or more.
    package let productNumber: UInt32
    /// A number of the product's published types.
    package let typeCode: UInt8
    /// 0 for unlimited.
    package let seats: UInt32
    /// Unix seconds, in ``instants``.
    package let issuedAt: Int64
    /// Unix seconds, in ``instants``: the first second at which the key is refused; nil for never.
    package let expiresAt: Int64?
    /// Bit n is the feature with the published number n.
    package let featureBits: UInt64
    /// The 64 bits that `lic_…` spells.
    package let licenseNumber: UInt64
    package let binding: OfflineKeyBinding

    package init(
        productNumber: UInt32, typeCode: UInt8, seats: UInt32, issuedAt: Int64, expiresAt: Int64?,
        featureBits: UInt64, licenseNumber: UInt64, binding: OfflineKeyBinding
    ) {
        self.productNumber = productNumber
        self.typeCode = typeCode
        self.seats = seats
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.featureBits = featureBits
        self.licenseNumber = licenseNumber
        self.binding = binding
    }

    /// `lic_…`.
    package var licenseID: String { "lic_" + CrockfordBase32.encode(licenseNumber) }
}

extension OfflineKeyFacts {
    /// The payload, 49 bytes; `keyID`: 6 bytes. Nil if an instant lies outside ``instants``.
    func payload(keyID: [UInt8]) -> [UInt8]? {
        guard Self.instants.contains(issuedAt), expiresAt.map(Self.instants.contains) ?? true else { return nil }
        var payload = [Self.version] + keyID
        payload.append(bigEndian: productNumber)
        payload.append(typeCode)
        payload.append(bigEndian: seats)
        payload.append(bigEndian: UInt32(issuedAt - Self.epoch))
        payload.append(bigEndian: expiresAt.map { UInt32($0 - Self.epoch) } ?? Self.never)
        payload.append(bigEndian: featureBits)
        payload.append(bigEndian: licenseNumber)
        payload.append(binding.code)
        return payload + binding.hash
    }

    /// Reads a payload of 49 bytes whose signature is good. Throws `malformedClaims` for a binding that is none.
    init(payload: ArraySlice<UInt8>) throws(LicenseTokenError) {
        let field = { (offset: Int, count: Int) in payload.dropFirst(offset).prefix(count) }
        guard let binding = OfflineKeyBinding(code: field(40, 1).number(), hash: Array(field(41, 8))) else {
            throw LicenseTokenError(.malformedClaims, "the key's binding is of no kind that is known")
        }
        let (issued, expires): (UInt32, UInt32) = (field(16, 4).number(), field(20, 4).number())
        guard issued != Self.never else { throw LicenseTokenError(.malformedClaims, "the key was issued at no time") }
        self.init(
            productNumber: field(7, 4).number(), typeCode: field(11, 1).number(), seats: field(12, 4).number(),
            issuedAt: Self.epoch + Int64(issued),
            expiresAt: expires == Self.never ? nil : Self.epoch + Int64(expires),
            featureBits: field(24, 8).number(), licenseNumber: field(32, 8).number(), binding: binding
        )
    }
}

extension [UInt8] {
    fileprivate mutating func append<Number: FixedWidthInteger>(bigEndian number: Number) {
        for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}

extension ArraySlice<UInt8> {
    fileprivate func number<Number: FixedWidthInteger>() -> Number {
        reduce(0) { $0 << 8 | Number($1) }
    }
}
