extension PostgreSQLDriver {
    /// What the server itself knows to be wrong: pages whose check sum did not fit when they were read, indexes that
    /// are not used, constraints that rows were never held against, triggers that are switched off. It keeps references
    /// itself as long as its triggers are on; what stands in rows is asked by rules.
    package func damages(limit: Int) async throws -> [String] {
        try await read(patience: .schemaChange) { connection in
            var damages: [String] = []
            try connection.query(Self.damages, [.integer(Int64(limit))]) { row in
                damages.append(row.text(0))
                return true
            }
            return damages
        }
    }

    private static let damages = """
        SELECT told FROM (
            SELECT 1 AS place, format('%s pages did not fit their check sum when they were read, the last at %s',
                checksum_failures, checksum_last_failure) AS told
            FROM pg_stat_database WHERE datname = current_database() AND checksum_failures > 0
            UNION ALL
            SELECT 2, format('index %s is not whole', c.relname)
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE c.relnamespace = current_schema()::regnamespace
                AND NOT (i.indisvalid AND i.indisready AND i.indislive)
            UNION ALL
            SELECT 3, format('constraint %s of %s was never checked against its rows', k.conname, r.relname)
            FROM pg_constraint k JOIN pg_class r ON r.oid = k.conrelid
            WHERE r.relnamespace = current_schema()::regnamespace AND NOT k.convalidated
            UNION ALL
            SELECT DISTINCT 4, format('triggers of %s are switched off', r.relname)
            FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid
            WHERE r.relnamespace = current_schema()::regnamespace AND t.tgenabled IN ('D', 'R')
        ) AS found
        ORDER BY place, told COLLATE "C" LIMIT ?
        """
}
