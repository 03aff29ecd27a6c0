#if Postgres
    public import PostgresClient
    import Timetable

    /// keiji's database in PostgreSQL.
    public struct PostgresTables: KeijiTables {
        private let client: PostgresClient

        public init(_ client: PostgresClient) { self.client = client }

        public func tasks() async throws -> [KeijiTask] {
            try await client.query(
                """
                SELECT task_id, name, slug, type, schedule_info, executable, log_path, is_error, error_txt, is_disabled,
                  created_at
                FROM task_models WHERE deleted_at IS NULL ORDER BY name
                """
            ) { row in
                KeijiTask(
                    id: try row.text(0) ?? "", name: try row.text(1) ?? "", slug: try row.text(2) ?? "",
                    type: try row.text(3), scheduleInfo: try row.text(4), executable: try row.text(5),
                    logPath: try row.text(6), isError: try row.bool(7) ?? false, errorText: try row.text(8),
                    isDisabled: try row.bool(9) ?? false, createdAt: try row.text(10))
            }
        }

        public func lay(_ off: KeijiOff?, onTask name: String) async throws {
            var (isDisabled, isError, text) = (false, false, "")
            switch off {
            case nil: break
            case .disabled: isDisabled = true
            case .error(let error): (isError, text) = (true, error)
            }
            try await client.execute(
                """
                UPDATE task_models SET is_disabled = $1, is_error = $2, error_txt = $3, is_queued = false,
                is_running = false WHERE name = $4 AND deleted_at IS NULL
                """, [.bool(isDisabled), .bool(isError), .text(text), .text(name)])
        }

        public func write(_ states: [String: KeijiState]) async throws {
            try await client.transaction { transaction in
                // In one order, so that two writers never wait for each other.
                for (name, state) in states.sorted(by: { $0.key < $1.key }) {
                    try transaction.execute(
                        """
                        UPDATE task_models SET is_running = $1, is_queued = false, next_execution_time = $2,
                        last_execution_time = coalesce($3, last_execution_time) WHERE name = $4 AND deleted_at IS NULL
                        """,
                        [
                            .bool(state.isRunning), Self.time(state.nextExecution), Self.time(state.lastExecution),
                            .text(name),
                        ])
                }
            }
        }

        private static func time(_ time: Timestamp?) -> PostgresValue {
            time.map { .text(Timestamp(seconds: $0.seconds).rfc3339) } ?? .null
        }

        public func delete(task name: String) async throws {
            try await client.execute("DELETE FROM task_models WHERE name = $1", [.text(name)])
        }

        public func close() async { await client.close() }
    }
#endif
