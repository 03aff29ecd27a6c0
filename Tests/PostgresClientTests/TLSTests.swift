#if Postgres
    import BlockingConnection
    import CarillonTestSupport
    import Glibc
    import PostgresClient
    import Testing

    // One server at a time: each start costs some tenths of a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct TLSTests {
        private static let version = { @Sendable (client: PostgresClient) in
            try await client.one("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        }

        @Test func verification() async throws {
            let rig = try await Rig(["listen_addresses=127.0.0.1,127.0.0.2"], tls: true)
            #expect(try await Self.version(rig.client) == "TLSv1.3")
            #expect(try await Self.version(rig.another { $0.tls.mode = .disable }) == nil)
            #expect(try await Self.version(rig.another { $0.tls.mode = .require }) == "TLSv1.3")
            let right = PostgresConfiguration.TLS(.verifyFull, caFile: rig.server.caFile)
            #expect(try await Self.version(rig.another { $0.tls = right }) == "TLSv1.3")
            #expect(
                try await Self.version(
                    rig.another {
                        $0.tls = right
                        $0.host = "localhost"
                    }) == "TLSv1.3")
            let folder = try TemporaryFolder()
            let other = try TestCertificates(in: folder)
            let refused: [(String, (inout PostgresConfiguration) -> Void)] = [
                ("another authority", { $0.tls = .init(.verifyFull, caFile: other.caFile) }),
                ("another authority, whatever the name", { $0.tls = .init(.verifyCA, caFile: other.caFile) }),
                ("the system's authorities", { $0.tls = .init(.verifyFull) }),
                (
                    "not the certificate's name",
                    {
                        $0.tls = right
                        $0.host = "127.0.0.2"
                    }
                ),
            ]
            for (what, change) in refused {
                let error = try await failure(what) { try await Self.version(rig.another(change)) }
                #expect(error.kind == .refused && error.message.contains("certificate"), "\(what): \(error)")
            }
            let gone = try await failure {
                try await Self.version(rig.another { $0.tls = .init(.verifyFull, caFile: folder.path + "/no.crt") })
            }
            #expect(gone.kind == .badConfiguration && gone.message.contains("/no.crt: No such file"))
            // The connection stays: what TLS sends by itself is not taken for its end.
            let client = try rig.another { $0.tls = right }
            let identity = try await client.one("SELECT pg_backend_pid()")
            #expect(try await client.one("SELECT pg_backend_pid()") == identity)
            // More than one record, and more than its buffers, both ways.
            let long = String(repeating: "é", count: 2_000_000)
            #expect(try await client.one("SELECT $1::text", [.text(long)]) == long)
        }

        @Test(arguments: [PostgresConfiguration.TLS.Mode.require, .verifyCA, .verifyFull])
        func aServerWithoutIsRefused(mode: PostgresConfiguration.TLS.Mode) async throws {
            let rig = try await Rig()
            #expect(try await Self.version(rig.client) == nil)
            let error = try await failure { try await Self.version(rig.another { $0.tls.mode = mode }) }
            #expect(error.kind == .refused && error.message.contains("does not support SSL"), "\(error)")
        }

        @Test func certificatesOfClients() async throws {
            let folder = try TemporaryFolder()
            // The server runs as a user of its own.
            chmod(folder.path, 0o755)
            let rules = try folder.write("pg_hba.conf", "hostssl all all 127.0.0.1/32 cert\n")
            let rig = try await Rig(["hba_file=\(rules)"], tls: true)
            let files = rig.server.folder.path
            let tls = PostgresConfiguration.TLS(
                .verifyFull, caFile: rig.server.caFile, certificateFile: files + "/server.crt",
                keyFile: files + "/server.key")
            // It is the certificate that says who it is.
            let wrong = try await failure { try await Self.version(rig.another { $0.tls = tls }) }
            #expect(wrong.kind == .refused && wrong.sqlState == "28000", "\(wrong)")
            let plain = try await failure { try await Self.version(rig.another { $0.tls.mode = .disable }) }
            #expect(plain.kind == .refused && plain.sqlState == "28000", "\(plain)")
            let none = try await failure { try await Self.version(rig.another { $0.user = "localhost" }) }
            #expect(none.kind == .refused, "\(none)")
            // In, but nobody has made this user.
            let unknown = try await failure {
                try await Self.version(
                    rig.another {
                        $0.tls = tls
                        $0.user = "localhost"
                    })
            }
            #expect(unknown.message.contains("role \"localhost\" does not exist"), "\(unknown)")
        }
    }
#endif
