#if Postgres
    public import CarillonCore
    import PostgresClient
    import Timetable

    /// A daemon whose lease is over may be replaced by another one; one that starts again under its own name waits for nobody.
    extension PostgresStore {
        /// The server's clock, which counts for leases alone.
        static let clock = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

        public func lease(instance: String, length: Int64) async throws -> Lease {
            try await change { writer in
                try await writer.transaction { transaction in
                    try transaction.execute("SELECT pg_advisory_xact_lock($1)", [.integer(Schema.lock)])
                    let other = try transaction.first(
                        "SELECT instance FROM beats WHERE instance <> $1 AND expires_at > \(Self.clock)",
                        [.text(instance)]
                    ) { try $0.text(0) ?? "" }
                    if let other {
                        throw StoreError(
                            .busy,
                            "another daemon, '\(other)', works with this store; one that was killed is given up after its lease"
                        )
                    }
                    let term =
                        try transaction.first("SELECT coalesce(max(term), 0) + 1 FROM leases") {
                            try $0.integer(0) ?? 1
                        } ?? 1
                    // Whoever writes under the old one has its row: it ends first, and after this writes nothing.
                    try transaction.execute("DELETE FROM leases")
                    try transaction.execute("DELETE FROM beats")
                    try transaction.execute(
                        "INSERT INTO leases (instance, term) VALUES ($1, $2)", [.text(instance), .integer(term)])
                    let expiry = try transaction.first(
                        """
                        INSERT INTO beats (instance, term, expires_at) VALUES ($1, $2, \(Self.clock) + $3)
                        RETURNING expires_at
                        """, [.text(instance), .integer(term), .integer(length)]
                    ) { try $0.integer(0) ?? 0 }
                    return Lease(
                        instance: instance, term: term, expiresAt: Timestamp(microseconds: expiry ?? 0))
                }
            }
        }

        public func renew(_ lease: Lease, length: Int64) async throws -> Lease {
            do {
                let expiry = try await renewer.query(
                    """
                    UPDATE beats SET expires_at = \(Self.clock) + $3 WHERE instance = $1 AND term = $2 RETURNING expires_at
                    """, Self.values(lease) + [.integer(length)]
                ) { try $0.integer(0) ?? 0 }.first
                guard let expiry else { throw StoreError.lost(lease) }
                var renewed = lease
                renewed.expiresAt = Timestamp(microseconds: expiry)
                return renewed
            } catch {
                throw StoreError(postgres: error)
            }
        }

        public func release(_ lease: Lease) async throws {
            // The row stays, so that terms never repeat.
            let count = try await change { writer in
                try await writer.execute(
                    "UPDATE beats SET expires_at = 0 WHERE instance = $1 AND term = $2", Self.values(lease))
            }
            guard count == 1 else { throw StoreError.lost(lease) }
        }
    }
#endif
