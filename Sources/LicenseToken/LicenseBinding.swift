/// What a verifier must find equal between a token and the installation: the claim `bind`.
///
/// An option set rather than an enum, so that a later release can add a member without breaking a customer's switch.
public struct LicenseBinding: OptionSet, Sendable, Hashable {
    /// One bit per member.
    public let rawValue: UInt8

    /// A binding by its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `dom`: the domain must be equal.
    public static let domain = LicenseBinding(rawValue: 1 << 0)
    /// `ip`: the network address must be equal.
    public static let address = LicenseBinding(rawValue: 1 << 1)
    /// `inst`: the installation id must be equal.
    public static let installation = LicenseBinding(rawValue: 1 << 2)

    /// Every member with its name in `bind`, in the order in which it is written and checked.
    static let namedMembers: [(name: String, member: LicenseBinding)] = [
        ("dom", .domain), ("ip", .address), ("inst", .installation),
    ]

    /// The names for `bind`.
    var names: [String] { Self.namedMembers.filter { contains($0.member) }.map(\.name) }

    /// Nil if a name is used twice or unknown: a verifier that skipped it would accept the token where its issuer did
    /// not mean it.
    init?(names: [String]) {
        var binding: LicenseBinding = []
        for name in names {
            guard let (_, member) = Self.namedMembers.first(where: { $0.name == name }), binding.insert(member).inserted
            else { return nil }
        }
        self = binding
    }
}
