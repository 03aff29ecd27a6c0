#if Postgres
    import CarillonCore
    import CarillonTestSupport
    import PostgresStore
    import Testing
    import Timetable

    @Suite(.timeLimit(.minutes(5)))
    struct FenceTests {
        /// Somebody ends the instance while a batch waits for its row, in either kind of opening, and for a record.
        @Test(arguments: ["one statement", "carefully", "record"])
        func aTermThatEndsWhileABatchWaitsWritesNothing(_ kind: String) async throws {
            let bench = try await Bench()
            var part = try await bench.advance(60)
            let open = try await bench.store.openRuns([part], under: bench.term, now: bench.start)
            #expect(open.new.count == 1)
            part.from = part.to
            part.to = bench.start.plus(120)
            // An id that another occurrence has takes the careful way.
            part.runs = [try await bench.run(120)]
            if kind == "carefully" { part.runs[0].id = open.new[0].id }
            var ended = open.new[0]
            ended.state = .completed
            let before = try await bench.one("SELECT cursor || ' ' || opened FROM cursors")

            let ending = ["DELETE FROM beats", "DELETE FROM terms"]
            let code = try await bench.holding(ending) { [part, ended] letGo in
                async let code = failure {
                    if kind == "record" {
                        try await bench.store.record([ended], under: bench.term, now: bench.start)
                    } else {
                        _ = try await bench.store.openRuns([part], under: bench.term, now: bench.start)
                    }
                }.code
                try await bench.untilWaiting(like: "%terms%FOR SHARE%")
                letGo()
                return try await code
            }
            #expect(code == .leaseLost)
            #expect(try await bench.one("SELECT cursor || ' ' || opened FROM cursors") == before)
            #expect(try await bench.one("SELECT count(*) || ' ' || max(state) FROM runs") == "1 0")
            try await bench.close()
        }

        /// A batch holds the term's row; who ends or replaces it waits for the batch, and a beat does not.
        @Test(arguments: ["end", "give", "join"])
        func aBatchIsWaitedForByWhoEndsTheTermAndNotByABeat(_ kind: String) async throws {
            let bench = try await Bench()
            let term = bench.term
            let isDone = try await bench.holding(["SELECT 1 FROM terms FOR SHARE"]) { letGo in
                try await bench.store.beat(term, count: 1)
                async let done: Bool =
                    switch kind {
                    case "end": bench.store.end(term.instance, term: term.count, beat: 1)
                    case "give": bench.store.give([], under: term, nonce: 9).count > term.count
                    default: bench.store.join("a", nonce: 9).count > term.count
                    }
                try await bench.untilWaiting()
                letGo()
                return try await done
            }
            #expect(isDone)
            #expect(try await failure { try await bench.store.beat(term, count: 2) }.code == .leaseLost)
            try await bench.close()
        }

        /// A beat that is on its way while the instance is ended is refused: the row itself says under which term.
        @Test func aBeatThatWaitedForTheEndIsRefused() async throws {
            let bench = try await Bench()
            let code = try await bench.holding(["DELETE FROM beats", "DELETE FROM terms"]) { letGo in
                async let code = failure { try await bench.store.beat(bench.term, count: 1) }.code
                try await bench.untilWaiting(like: "%UPDATE beats%")
                letGo()
                return try await code
            }
            // On a slow machine it has given up before; the next one is refused all the same.
            let isRefused = code == .leaseLost
            #expect(isRefused || code == .busy)
            #expect(try await failure { try await bench.store.beat(bench.term, count: 2) }.code == .leaseLost)
            try await bench.close()
        }

        /// A change keeps the term until it is committed: who is given the shard afterwards reads it, or has mail.
        @Test func aShardThatIsGivenWhileItsJobIsChangedIsTold() async throws {
            let bench = try await Bench()
            let other = try await bench.store.join("b")
            let shard = Shard(of: bench.job.id)
            func record() async throws -> ShardRecord {
                try #require(try await bench.store.shards(counting: false).first { $0.shard == shard })
            }
            try await bench.store.deal([ShardMove(try await record(), to: bench.term.instance)])
            let move = ShardMove(try await record(), to: other.instance)
            let change = JobChange.change(bench.job.id, bench.job.job, revision: bench.job.revision)
            // A give that is under way: the change waits for it at its end, and then the shard is not its own.
            let giving = [
                "UPDATE beats SET term = 99 WHERE instance = \(bench.term.instance.number)",
                "UPDATE terms SET term = 99 WHERE instance = \(bench.term.instance.number)",
                "UPDATE shards SET holder = \(other.instance.number), epoch = \(move.epoch + 1) WHERE shard = \(shard.number)",
            ]
            let answers = try await bench.holding(giving) { letGo in
                async let answers = bench.store.apply([change], by: bench.term, now: bench.start)
                try await bench.untilWaiting(like: "%terms%FOR SHARE%")
                letGo()
                return try await answers
            }
            #expect(answers.compactMap(\.stored).count == 1)
            // The first word is of when the job was added, and nobody had its shard.
            let words = try await bench.store.news(for: [shard], machine: "").mail.map(\.word)
            #expect(words == [.changed([bench.job.id]), .changed([bench.job.id])])
            try await bench.close()
        }

        @Test func ofThoseWhoJoinAtOnceEachHasANumberAndATermOfItsOwn() async throws {
            let bench = try await Bench()
            let terms = try await withThrowingTaskGroup(of: Term.self) { group in
                for name in ["b", "c", "d", "e"] {
                    group.addTask {
                        let store = try await PostgresStore.open(bench.configuration, beatPatience: 20, logger: .silent)
                        let term = try await store.join(name)
                        try await store.close()
                        return term
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(terms.map(\.count)) == [2, 3, 4, 5])
            #expect(Set(terms.map(\.instance.number)) == [2, 3, 4, 5])
            try await bench.close()
        }
    }
#endif
