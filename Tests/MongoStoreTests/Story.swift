#if MongoDB
    import CarillonCore
    import CarillonTestSupport
    import MongoClient
    import MongoStore
    import Synchronization
    import Timetable

    /// What a small scheduler does with a store: three jobs of every minute for twelve minutes, every fifth time of which is passed
    /// over; one is changed on the way, and somebody asks for a run. Whoever lives last finishes what the others left.
    struct Story: Sendable {
        static let names = ["a", "b", "c"]
        static let start = Samples.noon
        static let minutes: Int64 = 12
        static let end = start.plus(60 * minutes)

        /// What was started, and who was told so, and who has ended what.
        struct Told: Sendable {
            var started: [RunID: [String]] = [:]
            var ended: [RunID: String] = [:]
        }

        final class Log: Sendable {
            let told = Mutex(Told())
        }

        let log = Log()

        /// A life: takes over from whoever is there, and works until all is done. Throws when it dies, or is ended.
        func live(_ name: String, over documents: any Documents) async throws {
            let store = try await MongoStore(documents)
            let term = try await store.join(name, nonce: UInt64(name.utf8.first ?? 0))
            try await takeOver(store, term)
            var life = Life(store: store, term: term, name: name, log: log)
            try await life.begin()
            while try await life.goOn() {}
        }

        private func takeOver(_ store: MongoStore, _ term: Term) async throws {
            for other in try await store.instances() where other.number != term.instance {
                guard let old = other.term else { continue }
                _ = try await store.end(other.number, term: old.count, beat: other.beat)
            }
            let records = try await store.shards(counting: false).filter { $0.shard.number < 8 }
            try await store.deal(
                records.filter { $0.holder != term.instance }.map { ShardMove($0, to: term.instance) })
        }

        static let shards = Set((0..<8).map { Shard(Int16($0)) })

        struct Life {
            let store: MongoStore
            let term: Term
            let name: String
            let log: Log
            var hasRewound = false

            mutating func begin() async throws {
                let taken = try await store.take(shards, under: term)
                var missing: [JobChange] = []
                for name in names where try await store.job(named: name) == nil {
                    let skip = Skip(
                        jobID: JobID(0), job: name, revision: 1, after: start.plus(-60), through: start, reason: .past,
                        recordedAt: start)
                    missing.append(
                        .add(Samples.job(name, every: "1m"), cursor: start, nextDue: start.plus(60), skips: [skip]))
                }
                if !missing.isEmpty { _ = try await store.apply(missing, by: term, now: start) }
                try await finish(taken.runs)
            }

            /// Takes what is active to its end, as somebody who hears of it does: what nobody has started is started once.
            private func finish(_ runs: [Run]) async throws {
                var runs = runs
                for index in runs.indices { runs[index].instance = name }
                var new = runs.filter { $0.state == .pending }
                if !new.isEmpty {
                    for index in new.indices {
                        new[index].state = .running
                        new[index].startedAt = new[index].scheduledAt
                    }
                    let unwritten = try await store.record(new, under: term, now: end)
                    new.removeAll { unwritten.contains($0.id) }
                    log.told.withLock { told in for run in new { told.started[run.id, default: []].append(name) } }
                }
                runs = runs.filter { $0.state != .pending } + new
                if runs.isEmpty { return }
                for index in runs.indices {
                    runs[index].state = .completed
                    runs[index].endedAt = runs[index].scheduledAt.plus(1)
                }
                let unwritten = try await store.record(runs, under: term, now: end)
                log.told.withLock { told in
                    for run in runs where !unwritten.contains(run.id) { told.ended[run.id] = name }
                }
            }

            /// Whether anything is left to do.
            mutating func goOn() async throws -> Bool {
                try await hear()
                var jobs: [StoredJob] = []
                for name in names { jobs += [try await store.job(named: name)].compactMap { $0 } }
                let changing = try await store.changing(jobs.map(\.id))
                var batch: [JobAdvance] = []
                for job in jobs where job.cursor < end || job.isChanging {
                    let to = min(job.cursor.plus(180), end)
                    var part = JobAdvance(
                        id: job.id, revision: job.revision, from: job.cursor, to: to, nextDue: to.plus(60),
                        takesUp: changing.contains { $0.job.id == job.id })
                    var time = job.cursor.plus(60)
                    while time <= to {
                        if isSkipped(time) {
                            part.skips.append(Samples.skip(job, after: time.plus(-60), through: time, .overlap))
                        } else {
                            part.runs.append(Samples.run(job, at: time, store: try await store.storeID()))
                        }
                        time = time.plus(60)
                    }
                    batch.append(part)
                }
                if !batch.isEmpty {
                    try await finish(try await store.openRuns(batch, under: term, now: end).new)
                }
                try await change(jobs)
                try await order(jobs)
                if batch.isEmpty, let job = jobs.first, !hasRewound {
                    hasRewound = true
                    try await store.rewind(
                        [JobCursor(id: job.id, nextDue: end.plus(-120))], under: term, now: end.plus(-180))
                    return true
                }
                return !batch.isEmpty
            }

            private func hear() async throws {
                let mail = try await store.news(for: shards, machine: name).mail
                for word in mail {
                    guard case .opened(let ids) = word.word else { continue }
                    var runs: [Run] = []
                    for id in ids { runs += [try await store.run(id)].compactMap { $0 }.filter { !$0.state.isFinal } }
                    try await finish(runs)
                }
                if !mail.isEmpty { try await store.done(mail.map(\.number), under: term) }
            }

            /// Has the second job tagged, once it is on its way.
            private func change(_ jobs: [StoredJob]) async throws {
                guard let job = jobs.first(where: { $0.job.name == "b" && $0.job.tags.isEmpty && $0.cursor > start })
                else { return }
                var tagged = job.job
                tagged.tags = ["late"]
                _ = try await store.apply([.change(job.id, tagged, revision: job.revision)], by: term, now: end)
            }

            /// Asks for a run of the third one, under a key.
            private func order(_ jobs: [StoredJob]) async throws {
                guard let job = jobs.first(where: { $0.job.name == "c" && $0.cursor > start }) else { return }
                let cause = Cause.asked(under: "order")
                if let known = try await store.run(of: job.id, cause: cause) {
                    if !known.state.isFinal { try await finish([known]) }
                    return
                }
                var run = Samples.run(job, at: end, store: try await store.storeID(), trigger: .manual)
                run.cause = cause
                try await finish(
                    try await store.openOrdered([run], under: term, now: end).compactMap { $0 })
            }
        }

        static func isSkipped(_ time: Timestamp) -> Bool {
            ((time.microseconds - start.microseconds) / 60_000_000).isMultiple(of: 5)
        }

        // MARK: What must be there in the end

        /// Throws unless every time has its run or its skip, once, and nothing of it was changed afterwards.
        func check(_ documents: MemoryDocuments) async throws {
            let store = try await MongoStore(documents)
            let times = (1...Self.minutes).map { Self.start.plus(60 * $0) }
            let (skipped, run) = (times.filter(Self.isSkipped), times.filter { !Self.isSkipped($0) })
            var all = 0
            for name in Self.names {
                let runs = try await store.runs(RunQuery(job: name, limit: 1_000))
                let scheduled = runs.filter { $0.trigger == .schedule }.map(\.scheduledAt).sorted()
                try require(scheduled, is: run, name)
                try require(runs.count { $0.trigger == .manual }, is: name == "c" ? 1 : 0, "\(name): asked for")
                try require(runs.filter { $0.state != .completed }.map(\.scheduledAt), is: [], "\(name): not ended")
                let skips = try await store.skips(RunQuery(job: name, limit: 1_000))
                for time in skipped {
                    try require(
                        skips.contains { $0.after < time && time <= $0.through }, "\(name): \(time) is not told")
                }
                for time in run {
                    try require(
                        !skips.contains { $0.after < time && time <= $0.through }, "\(name): \(time) told as skipped")
                }
                try require(skips.count { $0.reason == .past }, is: 1, "\(name): past")
                let job = try await store.job(named: name)
                try require(job?.opened, is: Int64(run.count), "\(name): opened")
                try require(job?.isChanging, is: false, name)
                try require(job?.cursor, is: Self.end, name)
                for run in runs {
                    let (started, ended) = log.told.withLock { ($0.started[run.id] ?? [], $0.ended[run.id]) }
                    try require(started.count <= 1, "\(name): \(run.scheduledAt) was started by \(started)")
                    try require(
                        ended == nil || ended == run.instance, "\(name): \(run.scheduledAt) was written after its end")
                }
                all += runs.count
            }
            let open = try await documents.count("jobs", [.exists("opening")], upTo: nil)
            try require(open <= Self.names.count, "openings")
            // What nobody lived to count is counted once it is known to be over.
            let term = try await store.join("counts", nonce: 99)
            while try await !store.prune(
                Retention(age: .max, perJob: 1_000_000), under: term, now: Self.end.plus(7_200), limit: 10
            ).isEmpty {}
            let hours = try await store.hours(from: Self.start, to: Self.end)
            try require(hours.map(\.runs).reduce(0, +), is: all, "counted")
        }
    }
#endif
