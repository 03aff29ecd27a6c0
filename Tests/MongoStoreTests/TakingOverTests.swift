#if MongoDB
    import BusDispatcher
    import BusIntegration
    import CarillonCore
    import CarillonDaemon
    import CarillonTestSupport
    import Logging
    import MongoClient
    import MongoStore
    import Synchronization
    import Testing
    import Timetable

    /// What Simple Scheduler has left in a database, taken over as it is.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct TakingOverTests {
        /// Everything that there is in a database of jobs and runs.
        private struct Contents: Equatable {
            var jobs: [StoredJob]
            var runs: [Run]
            /// What of jobs and runs other programs than ours read.
            var seeds: [String]

            init(_ documents: any Documents) async throws {
                let store = try await MongoStore(documents)
                jobs = try await store.jobs(after: nil, limit: 1_000)
                // Their numbers depend on who drew them.
                for place in jobs.indices { jobs[place].id = JobID(0) }
                var query = RunQuery()
                query.limit = 10_000
                runs = try await store.runs(query)
                for place in runs.indices { runs[place].jobID = JobID(0) }
                seeds = []
                for collection in ["jobs", "runs"] {
                    for document in try await documents.find(collection, [], sort: [.up("_id")]) {
                        let fields = document.filter { field in Self.isTheirs(field.name) }
                        seeds.append("\(fields.sorted { $0.name < $1.name }.map { "\($0.name)=\($0.value)" })")
                    }
                }
            }

            private static func isTheirs(_ field: String) -> Bool {
                [
                    "_id", "enabled", "nextRunAt", "interval", "runExecutionTimeout", "runStartTimeout",
                    "maxQueueCount", "allowConcurrentRuns", "heartbeatTimeout", "heartbeat", "jobName", "status",
                    "createdTime", "startTime", "endTime",
                ].contains(field)
            }
        }

        private func takeOver(
            _ documents: any Documents, at now: Timestamp = Original.now, signs: SeedSigns = SeedSigns(),
            batch: Int = 1_000
        ) async throws -> TakingOver.Taken {
            try await TakingOver(MongoStore(documents), signs: signs, batch: batch).run(now: now)
        }

        /// Every job goes on at the very time that it had next, and no run is missing.
        private func check(_ documents: any Documents) async throws {
            let store = try await MongoStore(documents)
            let jobs = try await store.jobs(after: nil, limit: 1_000)
            #expect(jobs.map(\.job.name) == (0..<Original.jobs).map(Original.name))
            #expect(Set(jobs.map(\.id)).count == Original.jobs && jobs.allSatisfy { $0.fault == nil })
            let zones = ZoneDatabase()
            for (number, stored) in jobs.enumerated() {
                let (job, first) = (stored.job, Original.next(number))
                #expect(job.origin == .orders && job.enabled == (number % 10 != 9))
                #expect(stored.nextDue == (job.enabled ? first : nil))
                #expect(stored.cursor == min(first.adding(microseconds: -1), Original.now))
                #expect(try job.target.open(as: BusTarget.self) == BusTarget(topology: .queues))
                #expect(job.policies.timeout == 30_000_000 && job.policies.startTimeout == 10_000_000)
                #expect(job.policies.heartbeatTimeout == nil && job.policies.maxQueue == 5)
                #expect(job.policies.overlap == .queue(max: 100) && job.policies.signs == Signs())
                // nextRunAt + k × interval, none before.
                let schedule = try #require(try job.schedule.compile(job: job.name, zones: zones))
                var time = Original.now
                for step in 0..<5 {
                    time = try #require(schedule.next(after: time))
                    #expect(time == first.adding(microseconds: Original.interval(number) * 1_000 * Int64(step)))
                }
            }
            var query = RunQuery()
            query.limit = 10_000
            let runs = try await store.runs(query)
            #expect(runs.count == Original.runs)
            #expect(runs.allSatisfy { $0.trigger == .schedule && $0.attempt == 1 && $0.scheduledAt == $0.createdAt })
            let active = try await store.activeRuns(after: nil, limit: 1_000)
            #expect(active.count == Original.jobs)
            #expect(active.allSatisfy { $0.dispatchedAt == $0.createdAt && $0.endedAt == nil })
            #expect(Set(active.map(\.state)) == [.pending, .running, .cancelling])
            let failed = runs.filter { $0.state == .failed }
            #expect(failed.count == Original.jobs * 33)
            #expect(
                failed.allSatisfy { run in
                    run.startedAt == run.createdAt.adding(microseconds: 50_000)
                        && run.endedAt == run.createdAt.adding(microseconds: 90_000)
                })
        }

        @Test func documentsInMemory() async throws {
            let documents = MemoryDocuments()
            try await Original.fill(documents)
            let taken = try await takeOver(documents)
            #expect(taken == .init(jobs: Original.jobs, runs: Original.runs))
            try await check(documents)
            // Doing it twice changes nothing.
            let once = try await Contents(documents)
            #expect(try await takeOver(documents) == .init())
            #expect(try await Contents(documents) == once)
        }

        @Test(arguments: [false, true])
        func aServersDocuments(replicaSet: Bool) async throws {
            let server = try MongoFixture(replicaSet: replicaSet)
            try await server.start()
            let documents = ServerDocuments(
                try MongoClient(MongoConfiguration(url: server.address()), logger: .silent))
            try await Original.fill(documents)
            let taken = try await takeOver(documents)
            #expect(taken == .init(jobs: Original.jobs, runs: Original.runs))
            try await check(documents)
            let once = try await Contents(documents)
            #expect(try await takeOver(documents) == .init())
            #expect(try await Contents(documents) == once)
            await documents.close()
        }

        // MARK: Cut short

        /// A few documents of each kind.
        private static func fillFew(_ documents: any Documents) async throws {
            let due = Original.now.adding(microseconds: -60_000_000)
            _ = try await documents.insert(
                "jobs",
                [
                    Original.job("a", next: Original.now.adding(microseconds: 5_000_000), every: 60_000),
                    Original.job("b", next: due, every: 90_000, manager: Original.manager),
                    Original.job("once", next: due, every: 0),
                ])
            _ = try await documents.insert(
                "runs",
                [
                    Original.run(1, of: "a", due: due, "completed", started: due, ended: due),
                    Original.run(2, of: "a", due: due.adding(microseconds: 1_000_000), "running", started: due),
                    Original.run(3, of: "b", due: due, late: 7_200, "failed", ended: due),
                    Original.run(4, of: "gone", due: due, "completed", ended: due),
                ])
        }

        @Test(arguments: [MemoryDocuments.Interruption.before, .after])
        func cutShortAfterAnyWriteAndDoneAgain(_ interruption: MemoryDocuments.Interruption) async throws {
            let whole = MemoryDocuments()
            try await Self.fillFew(whole)
            _ = try await takeOver(whole, batch: 1)
            let expected = try await Contents(whole)
            #expect(expected.jobs.count == 3 && expected.runs.count == 3)
            var place = 0
            while true {
                let count = Mutex<Int?>(nil)
                let cut = place
                let documents = MemoryDocuments { _ in
                    count.withLock { writes in
                        guard let before = writes else { return nil }
                        writes = before + 1
                        return before == cut ? interruption : nil
                    }
                }
                try await Self.fillFew(documents)
                _ = try await MongoStore(documents)
                count.withLock { $0 = 0 }
                do {
                    _ = try await takeOver(documents, batch: 1)
                } catch is StoreError {
                    // It comes again.
                }
                let isOver = count.withLock { ($0 ?? 0) <= cut }
                count.withLock { $0 = nil }
                _ = try await takeOver(documents, batch: 1)
                #expect(try await Contents(documents) == expected, "cut at \(cut)")
                if isOver { break }
                place += 1
            }
            // One step a job and one a run at least.
            #expect(place >= 6)
        }

        @Test func twoAtOnceTakeEachDocumentOnce() async throws {
            let documents = MemoryDocuments()
            try await Original.fill(documents)
            let taken = try await withThrowingTaskGroup(of: TakingOver.Taken.self) { group in
                for _ in 0..<3 { group.addTask { try await takeOver(documents, batch: 3) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(taken.map(\.jobs).reduce(0, +) == Original.jobs)
            #expect(taken.map(\.runs).reduce(0, +) == Original.runs)
            try await check(documents)
        }

        // MARK: Times

        /// What was due while nobody scheduled is due still, once; what has its run already is not.
        @Test func whatIsDueIsNeitherLostNorDoubled() async throws {
            let documents = MemoryDocuments()
            let due = Original.now.adding(microseconds: -600_000_000)
            _ = try await documents.insert(
                "jobs",
                [
                    Original.job("due", next: due, every: 60_000), Original.job("done", next: due, every: 60_000),
                    Original.job("once due", next: due, every: 0), Original.job("once done", next: due, every: 0),
                    Original.job("no time", next: nil, every: 60_000),
                ])
            _ = try await documents.insert(
                "runs",
                [
                    Original.run(1, of: "done", due: due, "pending"),
                    Original.run(2, of: "once done", due: due, "completed"),
                    Original.run(3, of: "due", due: due.adding(microseconds: -60_000_000), "completed"),
                ])
            _ = try await takeOver(documents)
            let jobs = try await MongoStore(documents).jobs(after: nil, limit: 10)
            let next = Dictionary(uniqueKeysWithValues: jobs.map { ($0.job.name, $0) })
            #expect(next["due"]?.nextDue == due && next["due"]?.cursor == due.adding(microseconds: -1))
            #expect(next["done"]?.nextDue == due.adding(microseconds: 60_000_000) && next["done"]?.cursor == due)
            #expect(next["once due"]?.nextDue == due)
            #expect(next["once done"]?.nextDue == nil && next["once done"]?.cursor == due)
            #expect(next["no time"]?.nextDue == Original.now.adding(microseconds: 60_000_000))
        }

        /// Runs that were late have ids of another time than theirs: lists have them at theirs.
        @Test func lateRunsStandAtTheirTime() async throws {
            let documents = MemoryDocuments()
            let due = Original.now.adding(microseconds: -864_000_000_000)
            _ = try await documents.insert("jobs", [Original.job("a", next: Original.now, every: 60_000)])
            _ = try await documents.insert(
                "runs",
                [
                    Original.run(1, of: "a", due: due, late: 86_400, "completed", ended: due),
                    Original.run(2, of: "a", due: due.adding(microseconds: 60_000_000), "completed", ended: due),
                ])
            _ = try await takeOver(documents)
            let store = try await MongoStore(documents)
            #expect(try await store.runs(RunQuery(limit: 10)).map(\.id.hash) == [2, 1])
            let until = RunQuery(until: due.adding(microseconds: 1), limit: 10)
            #expect(try await store.runs(until).map(\.id.hash) == [1])
        }

        // MARK: What cannot be read, and what must not be taken

        @Test func whatCannotBeReadIsSaidAndLeftAlone() async throws {
            let documents = MemoryDocuments()
            var wrong = Original.job("wrong", next: Original.now, every: 60_000)
            wrong["interval"] = "often"
            var negative = Original.job("negative", next: Original.now, every: 60_000)
            negative["runStartTimeout"] = -1
            var shell = Original.job("shell", next: Original.now, every: 60_000)
            shell["interval"] = .double(90_000)
            let timeless = Original.job("timeless", next: nil, every: 0)
            var numbered = Original.job("x", next: Original.now, every: 60_000)
            numbered["_id"] = 5
            let bare: BSONDocument = ["_id": "bare", "interval": 1_000]
            _ = try await documents.insert("jobs", [wrong, negative, shell, timeless, numbered, bare])
            let due = Original.now.adding(microseconds: -60_000_000)
            var strange = Original.run(1, of: "shell", due: due, "completed")
            strange["status"] = "lost"
            var late = Original.run(2, of: "shell", due: due, "completed")
            late["endTime"] = 5
            var named = Original.run(3, of: "shell", due: due, "completed")
            named["_id"] = "mine"
            _ = try await documents.insert(
                "runs",
                [
                    strange, late, named,
                    ["_id": .objectID(Original.id(4, at: 9)), "jobName": "shell", "status": "failed"],
                ])
            let before = try await documents.find("jobs", [.isOneOf("_id", ["wrong", "negative", "timeless", 5])])
            for _ in 0..<2 {
                let taken = try await takeOver(documents)
                #expect(
                    Set(taken.unreadable.map(\.description)) == [
                        "the job 'wrong': interval is a text, and not a whole number",
                        "the job 'negative': runStartTimeout is -1, and not from 0 to 9223372036854",
                        "the job 'timeless': nextRunAt is missing: a job without an interval runs once, at that time",
                        "the job 5: _id is a whole number, and not a text",
                        "the run \(Original.id(1, at: due.seconds)): status is 'lost', which is none of a run",
                        "the run \(Original.id(2, at: due.seconds)): endTime is a whole number, and not a date",
                        "the run 'mine': _id is a text, and not an object id",
                    ])
            }
            #expect(
                try await documents.find("jobs", [.isOneOf("_id", ["wrong", "negative", "timeless", 5])]) == before)
            let store = try await MongoStore(documents)
            let jobs = try await store.jobs(after: nil, limit: 10)
            #expect(jobs.map(\.job.name) == ["bare", "shell"])
            #expect(jobs.last?.nextDue == Original.now)
            // A run of which nothing else is known is of the second that its id says.
            #expect(try await store.runs(RunQuery(limit: 10)).map(\.scheduledAt) == [Timestamp(seconds: 9)])
        }

        @Test func nothingIsTakenFromWhoeverStillSchedules() async throws {
            let second: Int64 = 1_000_000
            let signs = SeedSigns(beat: 5 * second, silence: 600 * second)
            func isRefused(_ manager: BSONValue?, _ age: Int64, _ signs: SeedSigns) async throws -> Bool {
                let documents = MemoryDocuments()
                let heartbeat = Original.now.adding(microseconds: -age)
                _ = try await documents.insert(
                    "jobs",
                    [
                        Original.job("old", next: Original.now, every: 60_000),
                        Original.job(
                            "young", next: Original.now, every: 60_000, manager: manager, heartbeat: heartbeat),
                    ])
                do {
                    #expect(try await takeOver(documents, signs: signs).jobs == 2)
                    return false
                } catch let error as Failure {
                    #expect(
                        error.code == 2 && error.message.contains("'young'") && error.message.contains("--take-over"))
                    #expect(try await documents.count("jobs", [.exists("number")], upTo: nil) == 0)
                    return true
                }
            }
            // Somebody's clock may be ahead.
            #expect(try await isRefused(nil, -3 * second, signs))
            #expect(try await isRefused(nil, 9 * second, signs))
            #expect(try await !isRefused(nil, 10 * second, signs))
            #expect(try await !isRefused(.objectID(.zero), 10 * second, signs))
            #expect(try await isRefused(Original.manager, 10 * second, signs))
            #expect(try await !isRefused(Original.manager, 600 * second, signs))
            #expect(try await !isRefused(Original.manager, 0, SeedSigns(isIgnored: true)))
        }
    }
#endif
