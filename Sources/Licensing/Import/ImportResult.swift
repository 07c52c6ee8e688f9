/// What is imported in one transaction: some lines of a file, and all the products that they may name.
package struct ImportBatch: Sendable {
    /// Lines of one batch.
    package static let recordsMax = 500
    /// Days after the due date that billing may wait.
    package static let suspendAfterDaysRange = 0...Policy.graceDaysMax

    package let source: ImportSource
    /// See `WHMCSStanding.imported`.
    package let suspendAfterDays: Int?
    /// Each with the code of our product.
    package let products: [ImportedProduct]
    package let records: [ImportRecord]

    package init(
        source: ImportSource, suspendAfterDays: Int?, products: [ImportedProduct], records: [ImportRecord]
    ) {
        self.source = source
        self.suspendAfterDays = suspendAfterDays
        self.products = products
        self.records = records
    }
}

/// What became of one line.
package struct ImportResult: Sendable, Equatable {
    /// The raw values stand in answers.
    package enum Outcome: String, Sendable, CaseIterable {
        case created
        case updated
        case unchanged
        /// Nothing of the line was done; a note says why.
        case conflict
    }

    package let kind: ImportKind
    /// As the other system calls it.
    package let externalID: String
    package let outcome: Outcome
    /// `lic_…`, or the number of a customer; nil in a conflict.
    package let internalID: String?
    package let notes: [ImportNote]
}

/// Something that whoever imports should know of a line.
package struct ImportNote: Error, Sendable, Equatable {
    /// The raw values stand in answers.
    package enum Code: String, Sendable, CaseIterable {
        // Conflicts.
        case keyTaken = "key_taken"
        case customerClosed = "customer_closed"
        case productMissing = "product_missing"
        case productChanged = "product_changed"
        case revokedHere = "revoked_here"
        case refused
        // Notes.
        case limitRaised = "limit_raised"
        case locationUnreadable = "location_unreadable"
        case locationNotTaken = "location_not_taken"
        case overdue
        case keyAdded = "key_added"
    }

    package let code: Code
    /// One sentence.
    package let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
