import Access
import Hummingbird
import Journal
import Licensing
import Primitives

extension OperatorAPI {
    /// What comes over from other systems.
    func addImports(to routes: inout Routes) {
        routes.add(.post, "/api/v1/licenses/import", scope: .importWrite, importLicenses)
    }

    @Sendable
    private func importLicenses(_ request: Request, _ context: OperatorContext) async throws -> Response {
        var members = try await members(request)
        let change = try await change(&members, context)
        let batch = try members.importBatch()
        return try await created(change) { (results: [ImportResult]) in
            JSONWriter.object { results.write(to: &$0, dryRun: change.dryRun) }
        } by: { receipt in
            try await licensing.importLicenses(
                batch, dryRun: change.dryRun, by: change.provenance, receipt: receipt)
        }
    }
}

extension Members {
    /// Lines of an import, each as it stands in a file. Throws `InvalidInput` with all that is wrong.
    fileprivate mutating func importBatch() throws -> ImportBatch {
        let sources = ImportSource.allCases.map(\.rawValue).joined(separator: ", ")
        let source = value("source", "must be one of \(sources)", ImportSource.init(rawValue:))
        if source == nil, isAbsent("source") { refuse("source", "must be one of \(sources)") }
        let range = ImportBatch.suspendAfterDaysRange
        let days = integer("suspend_after_days")
        if let days, !range.contains(days) {
            refuse("suspend_after_days", "must be \(range.lowerBound) to \(range.upperBound), or null")
        }
        let products = importRecords("products").compactMap { record -> ImportedProduct? in
            if case .product(let product) = record { product } else { nil }
        }
        let records = importRecords("records").filter { $0.kind != .product }
        try finish()
        guard let source else { throw InvalidInput("source", "must be one of \(sources)") }
        return ImportBatch(source: source, suspendAfterDays: days, products: products, records: records)
    }

    private mutating func importRecords(_ name: String) -> [ImportRecord] {
        guard let objects = objects(name, max: ImportBatch.recordsMax) else { return [] }
        return objects.enumerated().compactMap { position, object in
            do throws(InvalidInput) {
                return try ImportRecord(object)
            } catch {
                for violation in error.violations {
                    refuse("\(name)[\(position)].\(violation.member)", violation.reason)
                }
                return nil
            }
        }
    }
}

extension [ImportResult] {
    fileprivate func write(to json: inout JSONWriter, dryRun: Bool) {
        json.member("dry_run", dryRun)
        for outcome in ImportResult.Outcome.allCases {
            let count = Int64(count { $0.outcome == outcome })
            switch outcome {
            case .created: json.member("created", count)
            case .updated: json.member("updated", count)
            case .unchanged: json.member("unchanged", count)
            case .conflict: json.member("conflicts", count)
            }
        }
        json.member("results", objects: self) { result, json in
            json.member("type", result.kind.rawValue)
            json.member("id", result.externalID)
            json.member("outcome", result.outcome.rawValue)
            // What a dry run made is gone, with its number.
            json.member("became", dryRun && result.outcome == .created ? nil : result.internalID)
            json.member("notes", objects: result.notes) { note, json in
                json.member("code", note.code.rawValue)
                json.member("message", note.message)
            }
        }
    }
}
