#if Postgres
    import CarillonCore
    import CarillonTestSupport
    import PostgresStore
    import Testing
    import Timetable

    @Suite(.timeLimit(.minutes(2)))
    struct FenceTests {
        /// Somebody takes the lease over while a batch waits for its row, in either kind of opening, and for a record.
        @Test(arguments: ["one statement", "carefully", "record"])
        func aLeaseTakenOverWhileABatchWaitsWritesNothing(_ kind: String) async throws {
            let bench = try await Bench()
            var part = try await bench.advance(60)
            let open = try await bench.store.openRuns([part], lease: bench.lease, now: bench.start)
            #expect(open.new.count == 1)
            part.from = part.to
            part.to = bench.start.plus(120)
            // An id that another occurrence has takes the careful way.
            part.runs = [try await bench.run(120)]
            if kind == "carefully" { part.runs[0].id = open.new[0].id }
            var ended = open.new[0]
            ended.state = .completed
            let before = try await bench.one("SELECT cursor || ' ' || opened FROM cursors")

            let takingOver = ["DELETE FROM leases", "INSERT INTO leases (instance, term) VALUES ('b', 99)"]
            let code = try await bench.holding(takingOver) { [part, ended] letGo in
                async let code = failure {
                    if kind == "record" {
                        try await bench.store.record([ended], lease: bench.lease, now: bench.start)
                    } else {
                        _ = try await bench.store.openRuns([part], lease: bench.lease, now: bench.start)
                    }
                }.code
                try await bench.untilWaiting(like: "%leases%FOR SHARE%")
                letGo()
                return try await code
            }
            #expect(code == .leaseLost)
            #expect(try await bench.one("SELECT cursor || ' ' || opened FROM cursors") == before)
            #expect(try await bench.one("SELECT count(*) || ' ' || max(state) FROM runs") == "1 0")
            try await bench.close()
        }

        /// A batch holds the lease's row; who takes it over waits for the batch, and who renews it does not.
        @Test func aBatchIsWaitedForByWhoTakesTheLeaseAndNotByWhoRenewsIt() async throws {
            let bench = try await Bench()
            let taken = try await bench.holding(["SELECT 1 FROM leases FOR SHARE"]) { letGo in
                let renewed = try await bench.store.renew(bench.lease, length: 90_000_000)
                #expect(renewed.term == bench.lease.term && renewed.expiresAt > bench.lease.expiresAt)
                async let taken = bench.store.lease(instance: "a", length: 1)
                try await bench.untilWaiting()
                letGo()
                return try await taken
            }
            #expect(taken.term == bench.lease.term + 1)
            #expect(try await failure { try await bench.store.renew(bench.lease, length: 1) }.code == .leaseLost)
            try await bench.close()
        }

        @Test func ofTwoWhoTakeTheLeaseEachHasATermOfItsOwn() async throws {
            let bench = try await Bench()
            try await bench.store.release(bench.lease)
            let terms = try await withThrowingTaskGroup(of: Int64.self) { group in
                for name in ["b", "c", "d", "e"] {
                    group.addTask {
                        let store = try await PostgresStore.open(bench.configuration, logger: .silent)
                        let lease = try await store.lease(instance: name, length: 1)
                        try await store.close()
                        return lease.term
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(terms == [2, 3, 4, 5])
            try await bench.close()
        }

        @Test func anotherDaemonIsLeftAloneUntilItsLeaseIsOver() async throws {
            let bench = try await Bench()
            let other = try await PostgresStore.open(bench.configuration, logger: .silent)
            let error = try await failure { try await other.lease(instance: "b", length: 30_000_000) }
            #expect(error.code == .busy && error.message.contains("'a'"))
            // The same one, started again, waits for nobody.
            let again = try await bench.store.lease(instance: "a", length: 30_000_000)
            #expect(again.term == bench.lease.term + 1)
            try await bench.store.release(again)
            #expect(try await other.lease(instance: "b", length: 30_000_000).term == again.term + 1)
            try await other.close()
            try await bench.close()
        }
    }
#endif
