#if MongoDB
    import BlockingConnection
    import CarillonTestSupport
    import MongoClient
    import Testing

    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct AccessTests {
        private static let ask = { @Sendable (client: MongoClient) in try await client.collection("c").count([:]) }
        private static let quick = "?serverSelectionTimeoutMS=200"

        @Test func logins() async throws {
            let server = try MongoFixture(login: true)
            try await server.start()
            let place = "127.0.0.1:\(server.port)"
            let right = "mongodb://carillon:p%40ss'w%C3%B6rd@\(place)/carillon"
            #expect(try await Self.ask(Rig.client(right + "?authSource=admin")) == 0)
            #expect(
                try await Self.ask(
                    Rig.client(right + "?authSource=admin&authMechanism=SCRAM-SHA-256&retryWrites=true&w=majority"))
                    == 0)
            // From a file of its own, as `store.password_file` has it.
            let apart = try Rig.client("mongodb://carillon@\(place)/carillon?authSource=admin") {
                $0.password = MongoFixture.password
            }
            #expect(try await Self.ask(apart) == 0)
            let beside = try Rig.client("mongodb://\(place)/?authSource=admin") {
                $0.user = MongoFixture.user
                $0.password = MongoFixture.password
                $0.database = "carillon"
            }
            #expect(try await Self.ask(beside) == 0)

            var errors: [MongoError] = []
            for url in [
                "mongodb://carillon:hush-hush@\(place)/carillon?authSource=admin", right,
                "mongodb://nobody:hush@\(place)/?authSource=admin",
            ] {
                let error = try await failure { try await Self.ask(Rig.client(url) { $0.database = "carillon" }) }
                #expect(error.kind == .refused && !error.isUnavailable && error.isOutcomeKnown, "\(error)")
                errors.append(error)
            }
            #expect(errors[0].description.hasPrefix("mongodb://carillon@\(place)/carillon: "))
            let none = try await failure { try await Self.ask(Rig.client("mongodb://\(place)/carillon")) }
            #expect(none.kind == .refused && none.code == 13, "\(none)")
            errors.append(none)
            let texts = errors.map { "\($0) \(String(reflecting: $0))" } + [server.log]
            #expect(
                !texts.contains {
                    $0.contains("hush") || $0.contains(MongoFixture.password) || $0.contains("w%C3%B6rd")
                })
        }

        @Test func nobodyThere() async throws {
            for url in [
                "mongodb://u:hush@127.0.0.1:1/c", "mongodb://u:hush@no-such-host.invalid/c",
                "mongodb://u:hush@%2Fnowhere%2Fmongodb-1.sock/c",
            ] {
                let error = try await failure { try await Self.ask(Rig.client(url + Self.quick)) }
                #expect(error.kind == .unreachable && error.isUnavailable && error.isOutcomeKnown, "\(error)")
                #expect(!"\(error) \(String(reflecting: error))".contains("hush"))
            }
            let refused = try await failure { try await Self.ask(Rig.client("mongodb://127.0.0.1:1/c" + Self.quick)) }
            #expect(refused.message.contains("127.0.0.1:1"), "\(refused)")
            // Not the set's name.
            let rig = try await Rig()
            let other = try await failure { try await Self.ask(rig.another(Self.quick + "&replicaSet=other")) }
            #expect(other.kind == .unreachable, "\(other)")
            #expect(try await Self.ask(rig.another("?replicaSet=carillon")) == 0)
            // The first of several that is there, and the primary.
            let several = try Rig.client("mongodb://127.0.0.1:1,127.0.0.1:\(rig.server.port)/c?replicaSet=carillon")
            #expect(try await Self.ask(several) == 0)
        }

        @Test func addresses() throws {
            let full = try MongoConfiguration(
                url: "mongodb://u%3A:p%25@a:1,[::1]:99,%2Ftmp%2Fs.sock/d-b_1?replicaSet=r&connectTimeoutMS=1500"
                    + "&serverSelectionTimeoutMS=700&SOCKETTIMEOUTMS=2500&appName=bells&w=1&readPreference=nearest&maxPoolSize=3"
                    + "&authSource=admin&tls=true&tlsCAFile=%2Fca.pem")
            #expect(full.user == "u:" && full.password == "p%" && full.database == "d-b_1")
            #expect(full.hosts == ["a:1", "[::1]:99", "/tmp/s.sock"] && full.applicationName == "bells")
            #expect(full.connectTimeout == .milliseconds(1500) && full.selectionTimeout == .milliseconds(700))
            #expect(full.callTimeout == .milliseconds(2500))
            #expect("\(full)" == "mongodb://u:@a:1,[::1]:99,/tmp/s.sock/d-b_1" && full.description == full.address)
            let least = try MongoConfiguration(url: "mongodb://h")
            #expect(least.hosts == ["h:27017"] && least.user == nil && least.password == nil && least.database.isEmpty)
            #expect(least.callTimeout == .seconds(30) && least.selectionTimeout == .seconds(5))
            let service = try MongoConfiguration(
                url: "mongodb+srv://u:hush@cluster.example.com/d?retryWrites=true&w=majority")
            #expect("\(service)" == "mongodb+srv://u@cluster.example.com/d" && service.password == "hush")
            for configuration in [full, least, service] {
                var dumped = ""
                dump(configuration, to: &dumped)
                #expect(!"\(dumped) \(String(reflecting: configuration))".contains("hush"))
            }
        }

        @Test(arguments: [
            "", "postgres://hush@h", "mongodb:/hush", "mongodb://hush hush@h/d", "mongodb://u:hu%zzsh@h/d",
            "mongodb://u:hu%00sh@h/d",
            "mongodb://u:hush@h:port/d", "mongodb://u:hush@h:70000/d", "mongodb://u:hush/x@h/d",
            "mongodb://u:hu:sh@h/d", "mongodb://", "mongodb:///hush", "mongodb://u:hush@/d", "mongodb://u:hush@h?w=1",
            "mongodb://u:hush@[::1/d", "mongodb+srv://u:hush@a.b.c,d.e.f/d", "mongodb+srv://u:hush@a.b.c:27017/d",
            "mongodb+srv://u:hush@short/d", "mongodb://u:p@h/d?hush=1", "mongodb://u:p@h/d?hush",
            "mongodb://u:p@h/d?=hush",
            "mongodb://u:p@h/d?connectTimeoutMS=hush", "mongodb://u:p@h/d?connectTimeoutMS=0",
            "mongodb://u:p@h/d?socketTimeoutMS=-1",
            "mongodb://u:p@h/d?tls=hush", "mongodb://u:p@h/d?tls=true&tls=false",
            "mongodb://u:p@h/d?ssl=true&tls=false",
            "mongodb://u:p@h/d?tlsInsecure=true&tlsAllowInvalidCertificates=true",
            "mongodb://u:p@h/d?authMechanism=hush",
            "mongodb://u:p@h/hu.sh", "mongodb://u:p@h/hu$sh", "mongodb://u:p@h/d?w=hush&readConcernLevel=",
            "mongodb://u:p@h,i/d?directConnection=true", "mongodb://u:p@h/d?zlibCompressionLevel=hush",
        ])
        func addressesThatAreNone(url: String) throws {
            let error = #expect(throws: MongoError.self, "\(url)") { _ = try MongoConfiguration(url: url) }
            #expect(error?.kind == .badConfiguration && error?.isUnavailable == false)
            let text = "\(error, default: "")"
            #expect(text.hasPrefix("not the address of a MongoDB server: "))
            // The name of an option is shown.
            let shown = text.replacing("option hush", with: "")
            #expect(
                !(shown + String(reflecting: error).replacing("option hush", with: "")).contains("hush"),
                "\(url): \(text)")
        }

        @Test func configurationsThatMakeNoSense() async throws {
            let wrong: [(inout MongoConfiguration) -> Void] = [
                { $0.user = "" }, { $0.user = "a\0b" }, { $0.password = "x" }, { $0.database = "a b" },
                { $0.database = "a/b" },
                { $0.database = String(repeating: "x", count: 64) },
                { $0.applicationName = String(repeating: "x", count: 129) },
                { $0.callTimeout = .zero }, { $0.connectTimeout = .seconds(100_000) },
                { $0.selectionTimeout = .seconds(-1) },
            ]
            for change in wrong {
                let error = try await failure { try await Self.ask(Rig.client("mongodb://127.0.0.1:1/c", change)) }
                #expect(error.kind == .badConfiguration && !error.isUnavailable, "\(error)")
            }
            let file = try await failure {
                try await Self.ask(Rig.client("mongodb://127.0.0.1:1/c?tls=true&tlsCAFile=/nowhere/ca.pem"))
            }
            #expect(file.kind == .badConfiguration && file.message == "/nowhere/ca.pem: No such file or directory")
        }
    }
#endif
