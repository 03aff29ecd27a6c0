#if MariaDB
    import BlockingConnection
    import CarillonTestSupport
    import MariaDBClient
    import Testing

    // One server at a time: each start costs half a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct TLSTests {
        private static let cipher = { @Sendable (client: MariaDBClient) in
            try await client.table("SHOW SESSION STATUS LIKE 'Ssl_version'").first?[1] ?? nil
        }

        @Test func verification() async throws {
            let rig = try await Rig(["--bind-address=0.0.0.0"], tls: true)
            #expect(try await Self.cipher(rig.client) == "")
            let right = MariaDBConfiguration.TLS(caFile: rig.server.caFile)
            #expect(try await Self.cipher(rig.another { $0.tls = right }) == "TLSv1.3")
            #expect(
                try await Self.cipher(
                    rig.another {
                        $0.tls = right
                        $0.host = "localhost"
                    }) == "TLSv1.3")
            #expect(try await Self.cipher(rig.another { $0.tls = .init(verify: false) }) == "TLSv1.3")
            let folder = try TemporaryFolder()
            let other = try TestCertificates(in: folder)
            let refused: [(String, (inout MariaDBConfiguration) -> Void)] = [
                ("another authority", { $0.tls = .init(caFile: other.caFile) }),
                ("the system's authorities", { $0.tls = .init() }),
                (
                    "not the certificate's name",
                    {
                        $0.tls = right
                        $0.host = "127.0.0.2"
                    }
                ),
            ]
            for (what, change) in refused {
                let error = try await failure(what) { try await Self.cipher(rig.another(change)) }
                #expect(error.kind == .refused && error.code == 2026, "\(what): \(error)")
            }
            let gone = try await failure {
                try await Self.cipher(rig.another { $0.tls = .init(caFile: folder.path + "/no.crt") })
            }
            #expect(gone.kind == .badConfiguration && gone.message.contains("/no.crt: No such file"))
            // The connection stays: nothing comes on it by itself that would be taken for its end.
            let client = try rig.another { $0.tls = right }
            let identity = try await client.one("SELECT CONNECTION_ID()")
            #expect(try await client.one("SELECT CONNECTION_ID()") == identity)
        }

        @Test(arguments: [true, false])
        func aServerWithoutIsRefused(verify: Bool) async throws {
            let rig = try await Rig()
            let error = try await failure { try await Self.cipher(rig.another { $0.tls = .init(verify: verify) }) }
            #expect(error.kind == .refused && error.message.contains("required"), "\(error)")
        }

        @Test func aServerThatWantsIt() async throws {
            let rig = try await Rig(["--require-secure-transport=ON"], tls: true)
            let plain = try await failure { try await Self.cipher(rig.client) }
            #expect(plain.kind == .refused)
            let own = try rig.another { $0.tls = .init(caFile: rig.server.caFile) }
            try await own.execute("CREATE USER 'x'@'%' REQUIRE X509")
            let folder = rig.server.folder.path
            let nobody = { @Sendable (configuration: inout MariaDBConfiguration) in
                configuration.user = "x"
                configuration.password = nil
                configuration.database = ""
            }
            let without = try await failure {
                try await Self.cipher(
                    rig.another {
                        $0.tls = .init(caFile: folder + "/ca.crt")
                        nobody(&$0)
                    })
            }
            #expect(without.kind == .refused && without.code == 1045)
            let with = try rig.another {
                $0.tls = .init(
                    caFile: folder + "/ca.crt", certificateFile: folder + "/server.crt", keyFile: folder + "/server.key"
                )
                nobody(&$0)
            }
            #expect(try await Self.cipher(with) == "TLSv1.3")
        }
    }
#endif
