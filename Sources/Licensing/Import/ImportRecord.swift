package import Primitives

/// A product of the other system, and which of ours it is.
package struct ImportedProduct: Sendable, Equatable {
    package let id: String
    package let name: String
    /// The code of our product; nil in a file, where the one who imports it says.
    package let code: String?
    /// What its old clients verify answers with.
    package let secret: String?
    /// Whether its licenses may be used under any domain, and at any address: there they are not counted.
    package let allowsAnyDomain: Bool
    package let allowsAnyAddress: Bool
}

/// Someone whom licenses belong to, by number alone: names and e-mails stay where they are.
package struct ImportedCustomer: Sendable, Equatable {
    package let id: String
}

/// A license of the other system.
package struct ImportedLicense: Sendable, Equatable {
    /// Domains, or addresses, of one license.
    package static let locationsMax = 200

    package let id: String
    /// What it is sold as there: the number that old clients may know it by.
    package let service: String
    package let product: String
    package let customer: String
    package let key: ImportedKey
    package let standing: WHMCSStanding
    package let registered: CivilDate?
    package let billingCycle: String?
    /// Where it may be used, as written there.
    package let domains: [String]
    package let addresses: [String]
    package let options: [ImportedOption]
    package let addons: [ImportedAddon]
}

/// A choice made at the order, which old clients may read.
package struct ImportedOption: Sendable, Equatable {
    package let name: String
    package let value: String
}

/// Something sold along with a license, which old clients may read.
package struct ImportedAddon: Sendable, Equatable {
    package let name: String
    package let nextDue: CivilDate?
    package let status: String
}

/// One line of an import file after the first.
package enum ImportRecord: Sendable, Equatable {
    case product(ImportedProduct)
    case customer(ImportedCustomer)
    case license(ImportedLicense)

    package var kind: ImportKind {
        switch self {
        case .product: .product
        case .customer: .customer
        case .license: .license
        }
    }

    /// As the other system calls it.
    package var id: String {
        switch self {
        case .product(let product): product.id
        case .customer(let customer): customer.id
        case .license(let license): license.id
        }
    }
}
