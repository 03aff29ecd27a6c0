#if Postgres
    import BlockingConnection
    import CarillonTestSupport
    import PostgresClient
    import Testing

    // One server at a time: each start costs some tenths of a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct AccessTests {
        private static let ask = { @Sendable (client: PostgresClient) in try await client.one("SELECT current_user") }

        @Test func clearErrors() async throws {
            let rig = try await Rig()
            let place = "127.0.0.1:\(rig.server.port)"
            let password = try await failure { try await Self.ask(rig.another { $0.password = "hush-hush" }) }
            #expect(password.kind == .refused && password.sqlState == "28P01" && !password.isUnavailable)
            #expect(password.description.hasPrefix("carillon@\(place)/postgres: "))
            #expect(
                password.description.hasSuffix("FATAL: password authentication failed for user \"carillon\" (28P01)"))
            let none = try await failure { try await Self.ask(rig.another { $0.password = nil }) }
            #expect(none.kind == .refused && none.message.contains("no password supplied"), "\(none)")
            let database = try await failure { try await Self.ask(rig.another { $0.database = "nowhere" }) }
            #expect(database.kind == .refused && database.sqlState == "3D000" && "\(database)".contains("/nowhere: "))
            let closed = try await failure { try await Self.ask(rig.another { $0.port = 1 }) }
            #expect(closed.kind == .unreachable && closed.isUnavailable && "\(closed)".contains("Connection refused"))
            let host = try await failure { try await Self.ask(rig.another { $0.host = "no-such-host.invalid" }) }
            #expect(host.kind == .unreachable && host.message.contains("no-such-host.invalid"))
            let socket = try await failure { try await Self.ask(rig.another { $0.host = "/nowhere" }) }
            #expect(socket.kind == .unreachable && "\(socket)".contains("/nowhere/.s.PGSQL"))
            let secrets = [password, none, database, closed, host, socket].map { "\($0) \(String(reflecting: $0))" }
            #expect(!secrets.contains { $0.contains("hush") || $0.contains(PostgresFixture.password) })
        }

        @Test func rightsAndRoom() async throws {
            let rig = try await Rig(["max_connections=5"])
            try await rig.client.execute("CREATE TABLE secret (id int)")
            try await rig.client.execute("CREATE USER reader PASSWORD 'x'")
            let change = { @Sendable (configuration: inout PostgresConfiguration) in
                configuration.user = "reader"
                configuration.password = "x"
            }
            let reader = try rig.another(change)
            let table = try await failure { try await reader.table("SELECT * FROM secret") }
            #expect(table.kind == .refused && table.sqlState == "42501")
            #expect(try await Self.ask(reader) == "reader")
            // Three of the five are for superusers; the second waits for better times, and is not the user's fault.
            let room = try rig.another(change)
            let full = try await failure { _ = try await (Self.ask(room), Self.ask(rig.another(change))) }
            #expect(full.kind == .unreachable && full.sqlState == "53300" && full.isUnavailable)
            await reader.close()
            await room.close()
            try await eventually("there is room") { (try? await Self.ask(rig.another(change))) == "reader" }
        }

        @Test func waysIn() async throws {
            let rig = try await Rig()
            #expect(try await Self.ask(rig.another { $0.host = rig.server.folder.path }) == "carillon")
            #expect(try await Self.ask(rig.another { $0.host = "localhost" }) == "carillon")
            let password = "p%40ss'w%C3%B6rd"
            let url = "postgres://carillon:\(password)@127.0.0.1:\(rig.server.port)/postgres?application_name=bells"
            var configuration = try PostgresConfiguration(url: url)
            #expect(try await Self.ask(rig.another { $0 = configuration }) == "carillon")
            let name = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"
            #expect(try await rig.another { $0 = configuration }.one(name) == "bells")
            let folder = rig.server.folder.path.replacing("/", with: "%2F")
            configuration = try PostgresConfiguration(
                url: "postgresql://carillon:\(password)@\(folder):\(rig.server.port)/postgres")
            #expect(configuration.host == rig.server.folder.path)
            #expect(try await rig.another { $0 = configuration }.one("SELECT inet_server_addr()") == nil)
        }

        @Test func addresses() throws {
            let full = try PostgresConfiguration(
                url: "postgresql://u%3A:p%25@[::1]:99/d%20b?sslmode=verify-full&sslrootcert=%2Fca&connect_timeout=7")
            #expect(full.user == "u:" && full.password == "p%" && full.host == "::1" && full.port == 99)
            #expect(full.database == "d b" && full.tls == .init(.verifyFull, caFile: "/ca") && full.connectTimeout == 7)
            #expect("\(full)" == "u:@[::1]:99/d b")
            let least = try PostgresConfiguration(url: "postgres://u@/")
            #expect(least.host == "/var/run/postgresql" && least.port == 5432 && least.password == nil)
            #expect(least.database.isEmpty && least.tls == .init(.prefer))
            #expect(try PostgresConfiguration(url: "postgres://u:a?b#c@h").password == "a?b#c")
            let wrong = [
                "", "mysql://hush@h", "postgres://hush hush@h", "postgres://u:hu%zzsh@h", "postgres://u:hush%00@h",
                "postgres://u:p@h/d?hush", "postgres://u:p@[hush/d",
                "postgres://u:p@[::1]hush/d",
                "postgres://u:p@h/d?sslmode=hush", "postgres://u:p@h/d?connect_timeout=hush",
                "postgres://u:p@h/d?hush=1",
                "postgres://u:p@h:hush/d", "postgres://u:p@a,hush/d", "postgres://h/hush", "postgres://u:hush/x@h/d",
                "postgres://u:p@h/d?service=hush", "postgres://u:p@h:70000/hush", "host=hush",

            ]
            for url in wrong {
                let error = #expect(throws: PostgresError.self, "\(url)") { _ = try PostgresConfiguration(url: url) }
                #expect(error?.kind == .badConfiguration && error?.isUnavailable == false)
                #expect("\(error, default: "")".hasPrefix("not the address of a PostgreSQL server: "))
                #expect(!"\(error, default: "") \(String(reflecting: error))".contains("hush"), "\(url)")
            }
        }

        @Test func configurationsThatMakeNoSense() async throws {
            let right = PostgresConfiguration(host: "db", user: "u", password: "hush", database: "site")
            #expect("\(right)" == "u@db:5432/site" && !String(reflecting: right).contains("hush"))
            var dumped = ""
            dump(right, to: &dumped)
            #expect(!dumped.contains("hush"))
            let wrong: [(inout PostgresConfiguration) -> Void] = [
                { $0.host = "" }, { $0.host = "a,b" }, { $0.host = "host=a;user=b" }, { $0.host = "postgres://a" },
                { $0.host = "a b" }, { $0.port = 0 }, { $0.port = 65_536 }, { $0.user = "" }, { $0.password = "a\0b" },
                { $0.host = "/a,/b" }, { $0.host = "/" + String(repeating: "x", count: 108) },
                { $0.statementTimeout = 0 }, { $0.connectTimeout = .max },
                { $0.tls.caFile = "/nowhere/ca.crt" },
            ]
            let server = try PostgresFixture()
            for change in wrong {
                let error = try await failure { try await Self.ask(Rig.client(server, change)) }
                #expect(error.kind == .badConfiguration && !error.isUnavailable)
            }
        }
    }
#endif
