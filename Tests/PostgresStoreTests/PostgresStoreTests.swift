#if Postgres
    import CarillonCore
    import CarillonTestSupport
    import PostgresClient
    import PostgresStore
    import Testing
    import Timetable

    /// What only this store does.
    @Suite(.timeLimit(.minutes(5)))
    struct PostgresStoreTests {
        @Test(arguments: [false, true])
        func everythingIsThereAfterReopening(isPooled: Bool) async throws {
            let bench = try await Bench { $0.isPooled = isPooled }
            _ = try await bench.store.openRuns(
                [try await bench.advance(60)], under: bench.term, now: bench.start)
            try await bench.store.close()
            let again = try await PostgresStore.open(bench.configuration, logger: .silent)
            #expect(try await again.storeID() == bench.store.storeID())
            #expect(try await again.job(named: "tick")?.cursor == bench.start.plus(60))
            #expect(try await again.runs(RunQuery(job: "tick")) == [try await bench.run(60)])
            #expect(try await again.join("a").count == bench.term.count + 1)
            try await again.close()
            #expect(try await failure { try await again.note("a") }.code == .unreachable)
            try await bench.close()
        }

        @Test func whoOnlyLooksMakesNothing() async throws {
            let empty = try await Rig.shared.database()
            #expect(try await PostgresStore.look(empty, logger: .silent) == nil)
            let bench = try await Bench()
            let reader = try #require(try await PostgresStore.look(bench.configuration, logger: .silent))
            #expect(try await reader.job(named: "tick")?.id == bench.job.id)
            await #expect(throws: StoreError.self) { try await reader.setNote("a", "b") }
            try await reader.close()
            try await bench.close()
        }

        @Test func aConnectionThatIsEndedHealsWithTheNextCall() async throws {
            let bench = try await Bench()
            #expect(try await bench.store.note("a") == nil)
            try await bench.store.beat(bench.term, count: 1)
            let ended = try await bench.one(
                """
                SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """)
            #expect(ended == "3")
            // All of them were idle: none of the next calls notices.
            #expect(try await bench.store.note("a") == nil)
            try await bench.store.beat(bench.term, count: 1)
            let part = try await bench.advance(60)
            #expect(try await bench.store.openRuns([part], under: bench.term, now: bench.start).new == part.runs)
            try await bench.close()
        }

        @Test func aWriterCutOffAtWorkSaysSoAndTheSameCallMayBeRepeated() async throws {
            let bench = try await Bench()
            let part = try await bench.advance(60)
            try await bench.holding(["SELECT 1 FROM cursors FOR UPDATE"]) { _ in
                async let code = failure {
                    try await bench.store.openRuns([part], under: bench.term, now: bench.start)
                }.code
                try await bench.untilWaiting(ending: true)
                #expect(try await code == .unreachable)
            }
            _ = try await bench.store.openRuns([part], under: bench.term, now: bench.start)
            #expect(try await bench.store.runs(RunQuery(job: "tick")) == part.runs)
            #expect(try await bench.store.job(named: "tick")?.opened == 1)
            try await bench.close()
        }

        @Test func numbersAreDense() async throws {
            let bench = try await Bench()
            let term = try await bench.store.join("a")
            // A name that comes twice, one that is another feed's, and one that is gone and comes back.
            let names = ["a", "b", "a", "tick"]
            var changes = names.map { JobChange.add(Samples.job($0), cursor: bench.start, nextDue: nil, skips: []) }
            let other = JobChange.add(
                Samples.job("b", feed: "orders"), cursor: bench.start, nextDue: nil, skips: [])
            changes += [other, .remove(JobID(3), revision: 1), other]
            let answers = try await bench.store.apply(changes, now: bench.start)
            #expect(answers.map(\.stored?.id.number) == [2, 3, nil, nil, nil, 3, 3])
            #expect(answers.map(\.stored?.revision) == [1, 1, nil, nil, nil, 2, 3])
            #expect(answers[2] == .stale(answers[0].stored) && answers[4] == .foreign)
            #expect(try await bench.store.job(named: "b")?.job.origin.feed == "orders")
            #expect(try await Bench.put(["c"], in: bench.store, term)[0]?.id.number == 4)
            try await bench.close()
        }

        @Test func advancesTouchNothingButTheirPage() async throws {
            let bench = try await Bench(on: try await Rig.alone())
            let names = (0..<500).map { "job \($0)" }
            var jobs = try await bench.put(names).compactMap { $0 }
            let store = try await bench.store.storeID()
            // A fifth of them at a time, as jobs of different times come.
            for turn in 0..<15 {
                let places = stride(from: turn % 5, to: jobs.count, by: 5)
                let parts = places.map { place in
                    let (job, to) = (jobs[place], jobs[place].cursor.plus(60))
                    return JobAdvance(
                        id: job.id, revision: 1, from: job.cursor, to: to, nextDue: to.plus(60),
                        runs: [Samples.run(job, at: to, store: store)])
                }
                let opened = try await bench.store.openRuns(parts, under: bench.term, now: bench.start)
                #expect(opened.new.count == 100 && opened.refused.isEmpty)
                for (place, part) in zip(places, parts) { jobs[place].cursor = part.to }
            }
            // What a session has counted it tells when it ends.
            try await bench.store.close()
            try await eventually("all of them are counted") {
                try await bench.one("SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'cursors'") == "1500"
            }
            let counted = try await bench.one(
                "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'cursors'")
            #expect((counted.flatMap { Int($0) } ?? 0) >= 1_400, "of 1,500: \(counted ?? "none")")
            try await bench.close()
        }

        @Test func aJobThatComesTwiceInABatchIsAdvancedTwice() async throws {
            let bench = try await Bench()
            let first = try await bench.advance(60)
            var second = try await bench.advance(120)
            second.from = first.to
            let opened = try await bench.store.openRuns([first, second], under: bench.term, now: bench.start)
            #expect(opened == Opened(new: first.runs + second.runs))
            #expect(try await bench.store.job(named: "tick")?.opened == 2)
            try await bench.close()
        }

        /// Joined row by row, a batch would take the square of its size.
        @Test func aBatchOfThousandsTakesNoLongerForEach() async throws {
            let bench = try await Bench(on: try await Rig.alone())
            let store = try await bench.store.storeID()
            var jobs = try await bench.put((0..<8_000).map { "job \($0)" }).compactMap { $0 }
            /// Opens a run of each of so many jobs, and ends them; answers the seconds that takes.
            func round(_ count: Int) async throws -> Double {
                let parts = jobs[..<count].map { job in
                    let to = job.cursor.plus(60)
                    return JobAdvance(
                        id: job.id, revision: 1, from: job.cursor, to: to, nextDue: to.plus(60),
                        runs: [Samples.run(job, at: to, store: store)],
                        skips: [Samples.skip(job, after: job.cursor, through: job.cursor.plus(1))])
                }
                let clock = ContinuousClock()
                let took = try await clock.measure {
                    var runs = try await bench.store.openRuns(parts, under: bench.term, now: bench.start).new
                    #expect(runs.count == count)
                    for place in runs.indices {
                        runs[place].state = .completed
                        runs[place].endedAt = bench.start
                    }
                    #expect(try await bench.store.record(runs, under: bench.term, now: bench.start).isEmpty)
                }
                for place in 0..<count { jobs[place].cursor = parts[place].to }
                return took / .seconds(1)
            }
            _ = try await round(1_000)
            let small = try await round(1_000)
            let large = try await round(8_000)
            // Eight times as many, with room for a busy machine; row by row it was more than sixty times as long.
            #expect(large < 16 * small + 0.5, "\(large) s for 8,000, \(small) s for 1,000")
            try await bench.close()
        }

        /// Whoever waits for a connection is told when the store is closed.
        @Test func readersThatWaitEndWithTheStore() async throws {
            let bench = try await Bench(on: try await Rig.alone())
            // Who reads waits for a lock on what is read.
            let lock = "LOCK TABLE notes IN ACCESS EXCLUSIVE MODE"
            let refused = try await bench.holding([lock]) { letGo in
                try await withThrowingTaskGroup(of: (any Error)?.self) { group in
                    for _ in 0..<9 {
                        group.addTask {
                            do {
                                _ = try await bench.store.note("x")
                                return nil
                            } catch {
                                return error
                            }
                        }
                    }
                    try await bench.untilWaiting(3)
                    async let closed: Void = bench.store.close()
                    var refused: [any Error] = []
                    while refused.count < 6, let error = try await group.next() { error.map { refused.append($0) } }
                    letGo()
                    try await closed
                    return refused
                }
            }
            #expect(refused.count == 6 && refused.allSatisfy { "\($0)".contains("the store is closed") }, "\(refused)")
            await bench.client.close()
        }

        @Test func aStatementThatTakesTooLongIsDoneByHalves() async throws {
            let bench = try await Bench()
            let jobs = try await bench.put((0..<4).map { "job \($0)" }).compactMap { $0 }
            // The server has a second for all of them.
            try await bench.client.execute(
                """
                CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN PERFORM pg_sleep(0.4); RETURN new; END'
                """)
            try await bench.client.execute(
                "CREATE TRIGGER dawdle BEFORE UPDATE ON cursors FOR EACH ROW EXECUTE FUNCTION dawdle()")
            var hasty = bench.configuration
            hasty.statementTimeout = 1
            let store = try await PostgresStore.open(hasty, logger: .silent)
            let id = try await store.storeID()
            let parts = jobs.map { job in
                JobAdvance(
                    id: job.id, revision: 1, from: bench.start, to: bench.start.plus(60), nextDue: nil,
                    runs: [Samples.run(job, at: bench.start.plus(60), store: id)])
            }
            let opened = try await store.openRuns(parts, under: bench.term, now: bench.start)
            #expect(opened.new == parts.flatMap(\.runs) && opened.refused.isEmpty)
            try await store.close()
            try await bench.close()
        }

        @Test func aZeroByteIsShown() async throws {
            let bench = try await Bench()
            let part = try await bench.advance(60)
            var run = try await bench.store.openRuns([part], under: bench.term, now: bench.start).new[0]
            run.state = .failed
            run.outcome.outputTail = "a\0b\r\n\0"
            try await bench.store.record([run], under: bench.term, now: bench.start)
            #expect(try await bench.store.run(run.id)?.outcome.outputTail == "a\u{2400}b\r\n\u{2400}")
            try await bench.store.setNote("a\0", "b\0")
            #expect(try await bench.store.note("a\0") == "b\u{2400}")
            try await bench.close()
        }

        @Test func tagsAreFoundWhole() async throws {
            let bench = try await Bench()
            let tags = [
                ["a", "b"], [","], ["a,", ",b"], ["\""], ["\\"], ["a\"", "b"], ["\",\""], ["é"], ["]"], ["."],
            ]
            let changes = tags.enumerated().map { index, tags in
                var job = Samples.job("job \(index)")
                job.tags = tags
                return JobChange.add(job, cursor: bench.start, nextDue: nil, skips: [])
            }
            _ = try await bench.store.apply(changes, now: bench.start)
            for tag in Set(tags.flatMap { $0 }) {
                let found = try await bench.store.jobs(JobQuery(tags: [tag])).map(\.job.tags)
                #expect(found == tags.filter { $0.contains(tag) }, "\(tag)")
            }
            try await bench.close()
        }
    }
#endif
