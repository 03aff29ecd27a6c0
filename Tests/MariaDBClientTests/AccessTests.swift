#if MariaDB
    import BlockingConnection
    import CarillonTestSupport
    import Foundation
    import MariaDBClient
    import Testing

    // One server at a time: each start costs half a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct AccessTests {
        private static let ask = { @Sendable (client: MariaDBClient) in try await client.one("SELECT CURRENT_USER()") }

        @Test func clearErrors() async throws {
            let rig = try await Rig()
            let place = "127.0.0.1:\(rig.server.port)"
            let password = try await failure { try await Self.ask(rig.another { $0.password = "hush-hush" }) }
            #expect(password.kind == .refused && password.code == 1045 && password.sqlState == "28000")
            #expect(password.description.hasPrefix("carillon@\(place)/site: Access denied"))
            let none = try await failure { try await Self.ask(rig.another { $0.password = nil }) }
            #expect(none.kind == .refused && none.code == 1045)
            let database = try await failure { try await Self.ask(rig.another { $0.database = "nowhere" }) }
            #expect(database.kind == .refused && database.code == 1049 && "\(database)".contains("/nowhere: "))
            let closed = try await failure { try await Self.ask(rig.another { $0.port = 1 }) }
            #expect(closed.kind == .unreachable && closed.isUnavailable && "\(closed)".contains("127.0.0.1:1/"))
            let host = try await failure { try await Self.ask(rig.another { $0.host = "no-such-host.invalid" }) }
            #expect(host.kind == .unreachable && host.message.contains("no-such-host.invalid"))
            let socket = try await failure { try await Self.ask(rig.another { $0.socketPath = "/nowhere/sock" }) }
            #expect(socket.kind == .unreachable && "\(socket)".contains("/nowhere/sock"))
            let secrets = [password, none, database, closed, host, socket].map { "\($0) \(String(reflecting: $0))" }
            #expect(!secrets.contains { $0.contains("hush") || $0.contains(rig.server.password) })
        }

        @Test func rights() async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE secret (id INT)")
            try await rig.client.execute("CREATE USER 'reader'@'%' IDENTIFIED BY 'x'")
            let outside = try await failure {
                try await Self.ask(
                    rig.another {
                        $0.user = "reader"
                        $0.password = "x"
                    })
            }
            #expect(outside.kind == .refused && outside.code == 1044)
            try await rig.client.execute("CREATE TABLE open (id INT)")
            try await rig.client.execute("GRANT SELECT ON site.open TO 'reader'@'%'")
            let reader = try rig.another {
                $0.user = "reader"
                $0.password = "x"
            }
            #expect(try await reader.table("SELECT * FROM open").isEmpty)
            let table = try await failure { try await reader.table("SELECT * FROM secret") }
            #expect(table.kind == .refused && table.code == 1142)
            #expect(try await Self.ask(reader) == "reader@%")
            // The second waits for better times, and is not the user's fault.
            try await rig.client.execute("CREATE USER 'single'@'%' WITH MAX_USER_CONNECTIONS 1")
            let single = { @Sendable (configuration: inout MariaDBConfiguration) in
                configuration.user = "single"
                configuration.password = nil
                configuration.database = ""
            }
            let first = try rig.another(single)
            #expect(try await Self.ask(first) == "single@%")
            let second = try await failure { try await Self.ask(rig.another(single)) }
            #expect(second.kind == .unreachable && second.isUnavailable)
        }

        @Test func waysIn() async throws {
            let rig = try await Rig(["--plugin-load-add=auth_ed25519"])
            #expect(
                try await Self.ask(
                    rig.another {
                        $0.socketPath = rig.server.socketPath
                        $0.host = ""
                    }) == "carillon@%")
            // As who this process is; the server asks the kernel.
            let me = NSUserName()
            try await rig.client.execute("CREATE OR REPLACE USER '\(me)'@'localhost' IDENTIFIED VIA unix_socket")
            let known = try rig.another {
                $0.socketPath = rig.server.socketPath
                $0.user = me
                $0.password = nil
                $0.database = ""
            }
            #expect(try await Self.ask(known) == "\(me)@localhost")
            // By TCP, though the library has ideas of its own about this name.
            #expect(try await Self.ask(rig.another { $0.host = "localhost" }) == "carillon@%")
            #expect(try await rig.another { $0.database = "" }.one("SELECT DATABASE()") == nil)
            try await rig.client.execute("CREATE USER 'e'@'%' IDENTIFIED VIA ed25519 USING PASSWORD('ü')")
            #expect(
                try await Self.ask(
                    rig.another {
                        $0.user = "e"
                        $0.password = "ü"
                        $0.database = ""
                    }) == "e@%")
        }

        @Test func configurationsThatMakeNoSense() async throws {
            let right = MariaDBConfiguration(host: "db", user: "u", password: "hush", database: "site")
            #expect("\(right)" == "u@db:3306/site" && !String(reflecting: right).contains("hush"))
            var dumped = ""
            dump(right, to: &dumped)
            #expect(!dumped.contains("hush"))
            let wrong: [(inout MariaDBConfiguration) -> Void] = [
                { $0.host = "" }, { $0.host = "a,b" }, { $0.host = "host=a;user=b" }, { $0.host = "mysql://a" },
                { $0.host = "a b" }, { $0.port = 0 }, { $0.port = 65_536 }, { $0.user = "" }, { $0.password = "a\0b" },
                { $0.socketPath = "" }, { $0.socketPath = String(repeating: "x", count: 108) },
                { $0.readTimeout = 0 }, { $0.connectTimeout = .max },
            ]
            let rig = try MariaDBFixture()
            for change in wrong {
                let error = try await failure { try await Self.ask(Rig.client(rig, change)) }
                #expect(error.kind == .badConfiguration && !error.isUnavailable)
            }
        }
    }
#endif
