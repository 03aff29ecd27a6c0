#if Postgres
    import CarillonTestSupport
    import KeijiFeed
    import Logging
    import PostgresClient
    import Testing
    import Timetable

    /// keiji's table as it is read and written, on both of its databases.
    @Suite(.timeLimit(.minutes(5))) struct TablesTests {
        private func tables(_ database: KeijiDatabase) throws -> any KeijiTables {
            switch database.kind {
            case .sqlite:
                return try SQLiteTables(
                    path: database.folder.path + "/.keiji/db/keiji.db", zone: ZoneDatabase().zone("Africa/Nairobi"))
            case .postgres:
                let logger = Logger.silent
                return PostgresTables(try PostgresClient(PostgresConfiguration(url: database.url), logger: logger))
            }
        }

        @Test(arguments: KeijiDatabase.Kind.allCases)
        func rowsAreReadSwitchedWrittenAndDeleted(_ kind: KeijiDatabase.Kind) async throws {
            let database = try await KeijiDatabase(kind, in: try TemporaryFolder())
            let tables = try tables(database)
            let info = #"{"units":"seconds","interval":1}"#
            try await database.add("b", id: "B-1", info: info, executable: "/k/b.bin", isRunning: true)
            try await database.add("it's ü", id: "A-1", info: info, executable: "/k/a.bin")
            try await database.add("gone", id: "C-1", info: info, executable: "/k/c.bin")
            try await database.sql("UPDATE task_models SET deleted_at = '2026-11-01 10:00:00' WHERE name = 'gone'")
            let tasks = try await tables.tasks()
            #expect(tasks.map(\.name) == ["b", "it's ü"])
            #expect(tasks.first?.id == "B-1" && tasks.first?.scheduleInfo == info && tasks.first?.slug == "b")

            try await tables.lay(.error("no 'good'"), onTask: "b")
            #expect(try await tables.tasks().first?.errorText == "no 'good'")
            #expect(try await database.text("is_error", of: "b") == "true")
            #expect(try await database.text("is_running", of: "b") == "false")
            try await tables.lay(.disabled, onTask: "b")
            #expect(try await tables.tasks().first.map { $0.isDisabled && !$0.isError } == true)
            try await tables.lay(nil, onTask: "b")
            #expect(try await tables.tasks().first.map { !$0.isDisabled && !$0.isError && $0.errorText == "" } == true)

            let time = try #require(Timestamp(rfc3339: "2026-11-21T12:00:00.9Z"))
            try await tables.write(["b": KeijiState(isRunning: true, lastExecution: time, nextExecution: time)])
            #expect(try await database.text("is_running", of: "b") == "true")
            let written = try #require(try await database.text("last_execution_time", of: "b"))
            #expect(kind == .sqlite ? written == "2026-11-21 15:00:00+03:00" : written == "2026-11-21 12:00:00+00")
            try await tables.write(["b": KeijiState()])
            #expect(try await database.text("last_execution_time", of: "b") == written)
            #expect(try await database.text("next_execution_time", of: "b") == nil)

            try await tables.delete(task: "b")
            #expect(try await tables.tasks().map(\.name) == ["it's ü"])
            await tables.close()
        }

        /// A column of SQLite holds whatever somebody puts there.
        @Test func oddValuesHarmNobody() async throws {
            let database = try await KeijiDatabase(.sqlite, in: try TemporaryFolder())
            let tables = try tables(database)
            try await database.add("a", id: "1", info: "{}", executable: "/k/a.bin")
            try await database.sql(
                """
                UPDATE task_models SET created_at = 1700000000, is_error = 'true', is_disabled = '', type = x'ff00',
                  schedule_info = 7, log_path = NULL
                """)
            let task = try #require(try await tables.tasks().first)
            #expect(task.isError && !task.isDisabled && task.createdAt == "1700000000" && task.scheduleInfo == "7")
            await tables.close()
        }

        @Test func aFileThatIsNotThereIsSaid() throws {
            let error = #expect(throws: KeijiDatabaseMissing.self) {
                try SQLiteTables(path: "/nowhere/keiji.db", zone: ZoneDatabase().zone("UTC"))
            }
            #expect(error?.description.contains("/nowhere/keiji.db") == true)
        }
    }
#endif
