#if Postgres
    public import CarillonCore
    import PostgresClient

    /// What machines' files say.
    extension PostgresStore {
        private static let declared = PostgresColumns.Shape([
            "machine": .text, "job": .text, "source": .text, "digest": .bigint, "is_current": .boolean,
        ])

        private func declarations(_ filter: String, _ value: PostgresValue) async throws -> [Declaration] {
            try await rows(
                "SELECT machine, job, source, digest, is_current FROM declarations WHERE \(filter) ORDER BY machine, job",
                [value]
            ) {
                Declaration(
                    machine: try $0.text(0) ?? "", job: try $0.text(1) ?? "", source: try $0.text(2) ?? "",
                    digest: UInt64(bitPattern: try $0.integer(3) ?? 0), isCurrent: try $0.bool(4) ?? false)
            }
        }

        public func declarations(by machine: String) async throws -> [Declaration] {
            try await declarations("machine = $1", .init(storable: machine))
        }

        public func declarations(of jobs: [String]) async throws -> [Declaration] {
            try await declarations("job = ANY($1::text[])", .array(jobs.map { .init(storable: $0) }))
        }

        public func declare(_ declarations: [Declaration]) async throws {
            if declarations.isEmpty { return }
            var columns = PostgresColumns(Self.declared)
            for declaration in declarations {
                columns.bind(declaration.machine)
                columns.bind(declaration.job)
                columns.bind(declaration.source)
                columns.bind(Int64(bitPattern: declaration.digest))
                columns.bind(declaration.isCurrent)
                columns.end()
            }
            let values = columns.values
            try await change { writer in
                try await writer.transaction { transaction in
                    try transaction.execute(
                        """
                        UPDATE declarations SET is_current = false FROM \(Self.declared.rows("d", from: 1))
                        WHERE declarations.machine = d.machine AND declarations.job = d.job AND declarations.is_current
                        """, values)
                    try transaction.execute(
                        """
                        INSERT INTO declarations (\(Self.declared.names)) SELECT * FROM \(Self.declared.rows("d", from: 1))
                        ON CONFLICT (machine, job, digest)
                        DO UPDATE SET source = excluded.source, is_current = excluded.is_current
                        """, values)
                }
            }
        }
    }
#endif
