package import Database

extension CustomerStore {
    /// What holds between the rows of customers at any time.
    package static let rules = [
        ConsistencyRule(
            "customer-versions-have-events", whenBroken: "a customer's version is not that of its last event",
            sql: """
                SELECT count(*) FROM customers c WHERE version <> coalesce((SELECT max(subject_version) FROM journal
                WHERE subject = 'customer:' || CAST(c.id AS TEXT)), 0)
                """)
    ]
}
