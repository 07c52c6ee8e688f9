import Customers
import Licensing
import Primitives

extension OperatorAPI {
    /// By what licenses are searched, in the order that links spell it.
    static let licenseFilters: [ListFilter<LicenseCondition>] = [
        ListFilter("status", "must be one of \(License.Status.allCases.map(\.rawValue).joined(separator: ", "))") {
            License.Status(rawValue: $0).map { .status($0) }
        },
        ListFilter("product") { api, code in
            guard let product = try await api.licensing.product(code: code) else {
                throw api.licensing.unknownProduct(code)
            }
            return .product(product.id)
        },
        ListFilter("customer") { api, text in
            guard let id = CustomerID(text: text), try await api.licensing.customer(id) != nil else {
                throw try await api.licensing.unknownCustomer(text)
            }
            return .customer(id)
        },
        ListFilter("batch", "must be the name of a batch") { Slug($0).map { .batch($0) } },
        ListFilter("domain") { _, text in
            do throws(CanonicalDomain.Refusal) {
                return .domain(try CanonicalDomain(text))
            } catch {
                throw InvalidParameter.problem("domain", error.reason)
            }
        },
        ListFilter("last4", "must be the last 4 symbols of a key") { text in
            let symbols = text.utf8.compactMap { CrockfordBase32.typedValue($0) }.map(CrockfordBase32.symbol)
            return symbols.count == 4 && text.utf8.count == 4 ? .last4(String(decoding: symbols, as: UTF8.self)) : nil
        },
        ListFilter("expiring_in", "must be 1 to \(LicenseCondition.expiringDaysMax) days") { text in
            Int(text).flatMap { (1...LicenseCondition.expiringDaysMax).contains($0) ? .expiring(days: $0) : nil }
        },
    ]
}
