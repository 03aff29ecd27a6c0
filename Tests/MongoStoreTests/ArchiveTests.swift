#if MongoDB
    import CarillonCore
    import CarillonDaemon
    import CarillonTestSupport
    import Logging
    import MongoClient
    import MongoStore
    import SQLiteStore
    import Testing
    import Timetable

    /// A whole store in another place.
    @Suite(.timeLimit(.minutes(5)))
    struct ArchiveTests {
        @Test func aStoreGoesToDocumentsAndBackUnchanged() async throws {
            let folder = try TemporaryFolder()
            let source = try SQLiteStore(path: folder.path + "/a.db")
            try await StoreFilling.fill(source)
            let documents = MemoryDocuments()
            let middle = try await MongoStore(documents)
            let there = try await StoreCopy(from: source, to: middle).run()
            let target = try SQLiteStore(path: folder.path + "/b.db")
            let back = try await StoreCopy(from: middle, to: target).run()
            #expect(there.tables.map(\.digest) == back.tables.map(\.digest))
            #expect(try await source.jobs(after: nil, limit: 100) == middle.jobs(after: nil, limit: 100))
            #expect(try await source.runs(RunQuery(limit: 1_000)) == target.runs(RunQuery(limit: 1_000)))
            #expect(try await source.runs(RunQuery(limit: 1_000)) == middle.runs(RunQuery(limit: 1_000)))
            #expect(try await middle.check() == [])
            // What comes next has the next number.
            let added = try await middle.apply(
                [.add(Samples.job("and one more"), cursor: Samples.noon, nextDue: nil, skips: [])], now: Samples.noon)
            #expect(added.first?.stored?.id.number == Int32(try await source.counts().jobs + removed(source) + 1))
            // Beside Simple Scheduler's fields, for its tools.
            let shown = try await documents.first("jobs", [.equals("_id", "and one more")])
            #expect(shown?["interval"]?.integer == 60_000)
            #expect(shown?["managerId"]?.objectID != nil)
            try await source.close()
            try await target.close()
        }

        private func removed(_ store: SQLiteStore) async throws -> Int {
            try await (store.facts().rows["jobs"] ?? 0) - store.counts().jobs
        }

        @Test func aServerTellsWhatItKeeps() async throws {
            let server = try MongoFixture(replicaSet: false)
            try await server.start()
            let address = StoreAddress(url: server.address("kept"))
            #expect(try await MongoDriver.look(address, state: "") == nil)
            #expect(try await MongoDriver.missing(address, state: "") == ["collections and indexes"])
            let store = try await MongoStore.open(MongoConfiguration(url: address.url), logger: .silent)
            try await StoreFilling.fill(store)
            let facts = try await store.facts()
            #expect(facts.kind == "mongodb" && facts.bytes > 0 && facts.rows["jobs"] ?? 0 > 0)
            let looked = try await MongoDriver.look(address, state: "")
            #expect(try await looked?.counts() == store.counts())
            try await looked?.close()
            try await store.close()
        }

        @Test func anAddressThatIsNoneIsToldWithoutItsSecret() {
            for (url, expected) in [
                ("mongodb://u:secret@h", "names no database"), ("mongodb://u:secret@h/d?nonsense=1", "nonsense"),
                ("mongodb://u:se/cret@h/d", ""),
            ] {
                let flaw = MongoDriver.flaw(of: StoreAddress(url: url)) ?? "none"
                #expect(flaw.contains(expected) && !flaw.contains("cret"), "\(flaw)")
            }
            var address = StoreAddress(url: "mongodb://h/d")
            address.keyFile = "/k.pem"
            #expect(MongoDriver.flaw(of: address)?.contains("one file") == true)
            address.keyFile = nil
            #expect(MongoDriver.flaw(of: address) == nil)
            #expect(MongoDriver.place(of: StoreAddress(url: "mongodb://u:secret@h/d")) == "mongodb://u@h:27017/d")
        }
    }
#endif
