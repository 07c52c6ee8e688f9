import Primitives

/// Where a license was used, as seats will be taken for it.
struct ImportedPlaces: Sendable {
    /// One place: a domain at an address.
    struct Place: Sendable, Hashable {
        let domain: CanonicalDomain?
        let address: CanonicalAddress
    }

    private let domains: [CanonicalDomain]
    private let addresses: [CanonicalAddress]
    /// What could not be read.
    let notes: [ImportNote]

    /// Spellings of one place are one place: WHMCS lists a domain with `www.` and without.
    init(domains: [String], addresses: [String]) {
        var (notes, readDomains, readAddresses) = ([ImportNote](), [CanonicalDomain](), [CanonicalAddress]())
        for text in domains where !text.isEmpty {
            do throws(CanonicalDomain.Refusal) {
                let domain = try CanonicalDomain(text)
                if !readDomains.contains(domain) { readDomains.append(domain) }
            } catch {
                notes.append(ImportNote(.locationUnreadable, "The domain \"\(text.prefix(80))\" \(error.reason)."))
            }
        }
        for text in addresses where !text.isEmpty {
            guard let address = CanonicalAddress(text) else {
                notes.append(ImportNote(.locationUnreadable, "\"\(text.prefix(80))\" is no IPv4 or IPv6 address."))
                continue
            }
            if !readAddresses.contains(address) { readAddresses.append(address) }
        }
        self.domains = readDomains
        self.addresses = readAddresses
        self.notes = notes
    }

    static let none = ImportedPlaces(domains: [], addresses: [])

    /// How many seats they need under `policy`; development hosts need none.
    func seats(under policy: Policy) -> Int {
        switch policy.countedBy {
        case .domain: domains.count { policy.countsDevelopment || !$0.isDevelopment }
        case .ip: Set(addresses.map { $0.network(under: policy) }).count
        case .installationID: 0
        }
    }

    /// The places that hold those seats, in the order of the lists. The lists are one beside the other: of equally many
    /// domains and addresses each belongs to its neighbor, else every domain was seen at all addresses, of which its
    /// seat takes as many as it has room for. A domain without any address has no place yet.
    func places(under policy: Policy) -> [Place] {
        switch policy.countedBy {
        case .installationID: return []
        case .ip: return addresses.map { Place(domain: domains.first, address: $0) }
        case .domain:
            if domains.count == addresses.count {
                return zip(domains, addresses).map { Place(domain: $0, address: $1) }
            }
            return domains.flatMap { domain in
                addresses.prefix(policy.addressesPerSeat).map { Place(domain: domain, address: $0) }
            }
        }
    }

    /// What the seats belong to, as it is stored: which seats still have their place in the lists.
    func identities(under policy: Policy) -> Set<String> {
        switch policy.countedBy {
        case .domain: Set(domains.map(\.ascii))
        case .ip: Set(addresses.map { $0.network(under: policy).description })
        case .installationID: []
        }
    }
}
