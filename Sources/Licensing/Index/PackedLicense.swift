import Primitives

/// A license in 41 bytes:
///
/// | id | product | policy | not before | expires | payment grace | used | status index | version | state and flags |
/// | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
/// | 8 | 4 | 4 | 4 | 4 | 4 | 4 | 4 | 4 | 1 |
///
/// Numbers have 32 bits without a sign, instants are `PackedSeconds`. One with more than that, or with seats above a
/// lowered limit, is kept elsewhere.
struct PackedLicense: PackedFacts {
    static var byteCount: Int { 41 }

    /// The lowest bits are the state, the highest says that the facts are elsewhere; four are free.
    private static let stateBits: UInt8 = 0b111
    private static let elsewhere: UInt8 = 0b1000_0000

    let key: LicenseID
    private var product: UInt32 = 0
    private var policy: UInt32 = 0
    private var notBefore = PackedSeconds(bits: 0)
    private var expiresAt = PackedSeconds(bits: 0)
    private var paymentGraceUntil = PackedSeconds(bits: 0)
    private var used: UInt32 = 0
    private var statusIndex: UInt32 = 0
    private var version: UInt32 = 0
    private var flags = elsewhere

    init(elsewhere key: LicenseID) { self.key = key }

    init?(_ facts: LicenseFacts, of key: LicenseID) {
        guard facts.id == key, facts.overLimitUntil == .distantPast,
            let product = UInt32(exactly: facts.productID.rawValue),
            let notBefore = PackedSeconds(facts.notBefore), let expiresAt = PackedSeconds(facts.expiresAt),
            let paymentGraceUntil = PackedSeconds(facts.paymentGraceUntil),
            let statusIndex = UInt32(exactly: facts.statusIndex), let version = UInt32(exactly: facts.version)
        else { return nil }
        self.key = key
        self.product = product
        policy = facts.policy.position
        self.notBefore = notBefore
        self.expiresAt = expiresAt
        self.paymentGraceUntil = paymentGraceUntil
        used = facts.used
        self.statusIndex = statusIndex
        self.version = version
        flags = facts.state.bits
    }

    init(from bytes: UnsafeRawPointer) {
        key = LicenseID(from: bytes)
        var bytes = ByteReader(bytes + 8)
        product = bytes.next()
        policy = bytes.next()
        notBefore = PackedSeconds(bits: bytes.next())
        expiresAt = PackedSeconds(bits: bytes.next())
        paymentGraceUntil = PackedSeconds(bits: bytes.next())
        used = bytes.next()
        statusIndex = bytes.next()
        version = bytes.next()
        flags = bytes.next()
    }

    func write(to bytes: UnsafeMutableRawPointer) {
        var bytes = ByteWriter(bytes)
        bytes.put(key.rawValue)
        bytes.put(product)
        bytes.put(policy)
        bytes.put(notBefore.bits)
        bytes.put(expiresAt.bits)
        bytes.put(paymentGraceUntil.bits)
        bytes.put(used)
        bytes.put(statusIndex)
        bytes.put(version)
        bytes.put(flags)
    }

    var facts: LicenseFacts? {
        guard flags & Self.elsewhere == 0 else { return nil }
        guard let productID = ProductID(Int64(product)) else { preconditionFailure("a product without identifier") }
        return LicenseFacts(
            id: key, productID: productID, policy: PolicyID(position: policy),
            state: License.State(bits: flags & Self.stateBits), notBefore: notBefore.instant,
            expiresAt: expiresAt.instant, paymentGraceUntil: paymentGraceUntil.instant, overLimitUntil: nil,
            used: Int(used), statusIndex: Int64(statusIndex), version: Int64(version))
    }
}

extension License.State {
    /// Three bits, in memory only.
    fileprivate var bits: UInt8 {
        switch self {
        case .active: 0
        case .suspended: 1
        case .revoked: 2
        }
    }

    fileprivate init(bits: UInt8) {
        switch bits {
        case 0: self = .active
        case 1: self = .suspended
        case 2: self = .revoked
        default: preconditionFailure("a state of the license that nobody has written: \(bits)")
        }
    }
}
