import Customers
import Database
import Journal
import Primitives

/// Brings what another system says into ours, inside a transaction of the caller. Each line is done whole or not at
/// all, and a line that comes again as it was changes nothing.
struct LicenseImporter: Sendable {
    /// The licenses of one product, as a line needs them.
    struct Target: Sendable {
        let product: Product
        let imported: ImportedProduct
    }

    /// What a batch is imported with.
    struct Run {
        let batch: ImportBatch
        /// By the number of the product there.
        let targets: [String: Target]
        let forms: KeyForms
        let lastSeen: SeatStore.LastSeen
        let provenance: Provenance
        let transaction: WriteTransaction

        var reading: ReadTransaction { transaction.reading }
        var today: CivilDate { provenance.at.date }
    }

    /// What a batch did.
    struct Imported: Sendable {
        var results: [ImportResult] = []
        /// For memory, after the commit.
        var changes: [IndexChange] = []

        /// Whether licenses have keys of the other system by it.
        var bringsKeys: Bool { changes.contains { if case .key = $0 { true } else { false } } }
    }

    /// What a line did.
    struct Line: Sendable {
        var outcome: ImportResult.Outcome
        var internalID: String
        var notes: [ImportNote] = []
        var changes: [IndexChange] = []
    }

    let source = ImportSource.whmcs
    let customers: CustomerStore
    let products: ProductStore
    let licenses: LicenseStore
    let seats: SeatStore
    let registrar: LicenseRegistrar
    let links: ImportLinkStore
    let secrets: ProductSecretStore

    /// Imports a batch: first all of its products, then its lines in their order. Throws `LicensingRefusal
    /// .productUnknown` before anything is written.
    func run(
        _ batch: ImportBatch, forms: KeyForms, lastSeen: @escaping SeatStore.LastSeen, by provenance: Provenance,
        in transaction: WriteTransaction
    ) throws -> Imported {
        var forms = forms
        forms.includesImported = true
        let run = Run(
            batch: batch, targets: try targets(of: batch, in: transaction.reading), forms: forms, lastSeen: lastSeen,
            provenance: provenance, transaction: transaction)
        var imported = Imported()
        for record in batch.products.map(ImportRecord.product) + batch.records {
            let (result, changes) = try attempt(record, run)
            imported.results.append(result)
            imported.changes += changes
        }
        return imported
    }

    private func targets(of batch: ImportBatch, in transaction: ReadTransaction) throws -> [String: Target] {
        var targets: [String: Target] = [:]
        for imported in batch.products {
            let code = imported.code ?? ""
            guard let product = try Slug(code).flatMap({ try products.find($0, in: transaction) }) else {
                throw LicensingRefusal.productUnknown(code)
            }
            targets[imported.id] = Target(product: product, imported: imported)
        }
        return targets
    }

    /// One line in its savepoint.
    private func attempt(_ record: ImportRecord, _ run: Run) throws -> (ImportResult, [IndexChange]) {
        func result(_ line: Line?, _ outcome: ImportResult.Outcome, _ notes: [ImportNote]) -> ImportResult {
            ImportResult(
                kind: record.kind, externalID: record.id, outcome: outcome, internalID: line?.internalID, notes: notes)
        }
        do {
            let line = try run.transaction.savepoint { _ -> Line? in try self.line(record, run) }
            guard let line else { preconditionFailure("a savepoint whose body returned a value has one") }
            return (result(line, line.outcome, line.notes), line.changes)
        } catch let conflict as ImportNote {
            return (result(nil, .conflict, [conflict]), [])
        } catch let refusal as TransitionRefusal {
            return (result(nil, .conflict, [.init(refusal)]), [])
        } catch LicensingRefusal.customerClosed(let id) {
            let note = ImportNote(.customerClosed, "Customer \(id) is closed and receives no licenses.")
            return (result(nil, .conflict, [note]), [])
        }
    }

    private func line(_ record: ImportRecord, _ run: Run) throws -> Line {
        switch record {
        case .product(let product): try self.product(product, run)
        case .customer(let customer): try self.customer(customer.id, run).line
        case .license(let license): try self.license(license, run)
        }
    }
}

// MARK: - Products and customers

extension LicenseImporter {
    private func product(_ imported: ImportedProduct, _ run: Run) throws -> Line {
        guard let product = run.targets[imported.id]?.product else { throw ImportNote.productMissing(imported.id) }
        let before = try links.find(.product, imported.id, in: run.reading)
        var digests = ImportDigests()
        digests.note("code", product.code.text, by: licenses.hashes)
        digests.note("name", imported.name, by: licenses.hashes)
        digests.note("secret", imported.secret ?? "", by: licenses.hashes)
        let id = product.code.text
        guard before?.digests != digests else { return Line(outcome: .unchanged, internalID: id) }
        try secrets.store(
            imported.secret, of: imported.id, for: product.id, at: run.provenance.at, in: run.transaction)
        let legacy = JSONWriter.object { $0.member("name", imported.name) }
        try links.store(
            ImportLink(
                kind: .product, externalID: imported.id, internalID: product.id.rawValue, digests: digests,
                legacy: String(decoding: legacy, as: UTF8.self), version: before?.version ?? 0),
            by: run.provenance, in: run.transaction)
        return Line(outcome: before == nil ? .created : .updated, internalID: id)
    }

    /// The customer that the other system calls `externalID`: the one it became, or one that has it as its reference,
    /// or a new one.
    func customer(_ externalID: String, _ run: Run) throws -> (customer: Customer, line: Line) {
        if let link = try links.find(.customer, externalID, in: run.reading),
            let customer = try CustomerID(link.internalID).flatMap({ try customers.find($0, in: run.reading) })
        {
            return (customer, Line(outcome: .unchanged, internalID: customer.id.description))
        }
        let reference = "\(source.rawValue):\(externalID)"
        let known = try customers.find(reference: reference, in: run.reading)
        let customer =
            try known ?? customers.create(id: nil, reference: reference, by: run.provenance, in: run.transaction)
        try links.store(
            ImportLink(
                kind: .customer, externalID: externalID, internalID: customer.id.rawValue, digests: ImportDigests(),
                legacy: "{}", version: 0),
            by: run.provenance, in: run.transaction)
        return (customer, Line(outcome: known == nil ? .created : .updated, internalID: customer.id.description))
    }
}

extension ImportNote {
    static func productMissing(_ id: String) -> ImportNote {
        ImportNote(.productMissing, "The product \(id) of this license is not among those of the import.")
    }

    fileprivate init(_ refusal: TransitionRefusal) {
        self =
            switch refusal {
            case .revoked: ImportNote(.revokedHere, "The license is revoked here, which is final; issue another one.")
            default: ImportNote(.refused, "What changed there cannot be done here: \(refusal).")
            }
    }
}
