#if MongoDB
    import BlockingConnection
    import CarillonTestSupport
    import MongoClient
    import Testing

    /// `mongodb+srv` addresses, looked up at a name server of the test's own.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct ServiceTests {
        @Test func aServiceIsLookedUp() async throws {
            let rig = try await Rig(replicaSet: false)
            let names = try NameServer(domain: "bells.example.com", port: rig.server.port)
            let client = try await names.attending {
                try Rig.client("mongodb+srv://cluster.bells.example.com/carillon?tls=false", threads: 2)
            }
            try await client.collection("c").insert([["_id": 1]])
            #expect(try await rig.client.collection("c").count([:]) == 1)
            #expect(client.configuration.address == "mongodb+srv://cluster.bells.example.com/carillon")
            #expect(names.asked.contains("_mongodb._tcp.cluster.bells.example.com 33"))
            #expect(
                names.asked.contains("cluster.bells.example.com 16") && names.asked.contains("a.bells.example.com 1"))
            // The client's threads have that name server, and the others do not.
            let asked = names.asked.count
            let elsewhere = try await failure {
                try await Rig.client("mongodb+srv://cluster.bells.example.com/carillon?tls=false").ping()
            }
            #expect(elsewhere.kind == .unreachable && names.asked.count == asked, "\(elsewhere)")
            await client.close()
        }

        @Test func aServiceThatIsNotKnownYet() async throws {
            let names = try NameServer(domain: "bells.example.com", port: 1)
            let client = try await names.attending {
                try Rig.client("mongodb+srv://u:hush@other.bells.example.com/carillon?tls=false")
            }
            let error = try await failure { try await client.ping() }
            #expect(error.kind == .unreachable && error.isUnavailable && !"\(error)".contains("hush"), "\(error)")
            // It is asked anew with each call, until it is known.
            let asked = names.asked.count
            _ = try await failure { try await client.ping() }
            #expect(names.asked.count > asked)
        }
    }
#endif
