#if MongoDB
    import BlockingConnection
    import CarillonTestSupport
    import MongoClient
    import Testing

    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct TLSTests {
        private static let ask = { @Sendable (url: String) in try await Rig.client(url).collection("c").count([:]) }
        private static let quick = "&serverSelectionTimeoutMS=3000"

        @Test func verification() async throws {
            let server = try MongoFixture(replicaSet: false, tls: true)
            try await server.start()
            let right = server.address() + "?tls=true&tlsCAFile=\(server.caFile)"
            #expect(try await Self.ask(right) == 0)
            #expect(try await Self.ask(right.replacing("127.0.0.1", with: "localhost")) == 0)
            #expect(try await Self.ask(server.address() + "?tls=true&tlsInsecure=true") == 0)
            #expect(try await Self.ask(server.address() + "?tls=true&tlsAllowInvalidCertificates=true") == 0)
            let folder = try TemporaryFolder()
            let other = try TestCertificates(in: folder)
            let refused = [
                "another authority": server.address() + "?tls=true&tlsCAFile=\(other.caFile)",
                "the system's authorities": server.address() + "?tls=true",
            ]
            for (what, url) in refused {
                let error = try await failure(what) { try await Self.ask(url + Self.quick) }
                #expect(error.kind == .refused && error.message.contains("TLS handshake failed"), "\(what): \(error)")
            }
            let plain = try await failure { try await Self.ask(server.address() + "?tls=false" + Self.quick) }
            #expect(plain.isUnavailable, "\(plain)")
            let file = try await failure {
                try await Self.ask(server.address() + "?tls=true&tlsCAFile=\(folder.path)/no.pem")
            }
            #expect(
                file.kind == .badConfiguration && file.message.hasSuffix("/no.pem: No such file or directory"),
                "\(file)")
            // More than one record, both ways.
            let client = try Rig.client(right)
            let text = BSONValue.string(String(repeating: "é", count: 2_000_000))
            try await client.collection("c").insert([["_id": 1, "text": text]])
            #expect(try await client.collection("c").findOne([:])?["text"] == text)
        }

        @Test func certificatesOfClients() async throws {
            let server = try MongoFixture(replicaSet: false, tls: true, demandsCertificate: true)
            try await server.start()
            let url = server.address() + "?tls=true&tlsCAFile=\(server.caFile)"
            #expect(try await Self.ask(url + "&tlsCertificateKeyFile=\(server.certificateFile)") == 0)
            let none = try await failure { try await Self.ask(url + Self.quick) }
            #expect(none.kind == .refused || none.kind == .unreachable, "\(none)")
        }

        @Test func aServerWithoutIsRefused() async throws {
            let rig = try await Rig(replicaSet: false)
            let error = try await failure { try await Self.ask(rig.server.address() + "?tls=true" + Self.quick) }
            #expect(error.kind == .refused || error.kind == .unreachable, "\(error)")
        }
    }
#endif
