#if MongoDB
    import BusDispatcher
    package import CarillonCore
    package import CarillonDaemon
    import CarillonEngine
    import Logging
    package import MongoStore
    package import Timetable

    /// Takes over the jobs and runs that Simple Scheduler has left in a MongoDB store.
    ///
    /// Each document is one step that fits no second time: being cut short anywhere, and doing it again, is harmless.
    package struct TakingOver: Sendable {
        /// What came of it.
        package struct Taken: Hashable, Sendable {
            package var jobs: Int
            package var runs: Int
            /// Documents that are left alone.
            package var unreadable: [UnreadableDocument]

            package init(jobs: Int = 0, runs: Int = 0, unreadable: [UnreadableDocument] = []) {
                self.jobs = jobs
                self.runs = runs
                self.unreadable = unreadable
            }
        }

        private let store: MongoStore
        private let signs: SeedSigns
        /// Documents of one question to the server.
        private let batch: Int

        package init(_ store: MongoStore, signs: SeedSigns, batch: Int = 1_000) {
            self.store = store
            self.signs = signs
            self.batch = batch
        }

        /// Takes over what is there. Throws `Failure` when somebody still schedules it, and `StoreError`.
        package func run(now: Timestamp) async throws -> Taken {
            var taken = Taken()
            let jobs = try await store.foreign.jobs()
            try signs.check(jobs.values, now: now)
            taken.unreadable = jobs.unreadable
            for start in stride(from: 0, to: jobs.values.count, by: batch) {
                let some = jobs.values[start..<min(start + batch, jobs.values.count)]
                taken.jobs += try await store.adopt(some.map { AdoptedJob($0, now: now) })
            }
            try await takeRuns(&taken)
            return taken
        }

        /// Takes over what is there, for a daemon: says what it took, and what it left alone.
        func run(_ daemon: DaemonContext) async throws {
            if daemon.isShadow {
                let jobs = try await store.foreign.jobs().values.count
                if jobs > 0 {
                    daemon.logger.notice("jobs of Simple Scheduler are left to it", metadata: ["jobs": "\(jobs)"])
                }
                return
            }
            let taken = try await run(now: daemon.clock.now)
            for document in taken.unreadable.prefix(Self.mostSaid) {
                daemon.logger.warning(
                    "a document of Simple Scheduler is left alone", metadata: ["document": "\(document)"])
            }
            if taken.unreadable.count > Self.mostSaid {
                let more = taken.unreadable.count - Self.mostSaid
                daemon.logger.warning(
                    "more documents of Simple Scheduler are left alone", metadata: ["documents": "\(more)"])
            }
            guard taken.jobs > 0 || taken.runs > 0 else { return }
            daemon.logger.notice(
                "taken over from Simple Scheduler", metadata: ["jobs": "\(taken.jobs)", "runs": "\(taken.runs)"])
        }

        private static let mostSaid = 20

        /// Takes over the runs of jobs that are ours by now; those of others are nobody's any more.
        private func takeRuns(_ taken: inout Taken) async throws {
            let all = try await store.foreign.runCount()
            if all == 0 { return }
            var (seen, last): (Int, RunID?) = (0, nil)
            while true {
                let (page, end) = try await store.foreign.runs(after: last)
                guard let end else { break }
                last = end
                seen += page.values.count + page.unreadable.count
                taken.unreadable += page.unreadable
                let jobs = try await store.numbers(ofJobs: Set(page.values.map(\.job)))
                let runs = page.values.compactMap { run in jobs[run.job].map { Run(run, of: $0) } }
                for start in stride(from: 0, to: runs.count, by: batch) {
                    taken.runs += try await store.adopt(Array(runs[start..<min(start + batch, runs.count)]))
                }
            }
            if seen < all { taken.unreadable += try await store.foreign.nameless() }
        }
    }

    /// How long Simple Scheduler must have been silent before anybody takes its jobs.
    package struct SeedSigns: Sendable {
        /// Microseconds between two signs of life.
        package var beat: Int64
        /// Microseconds that whoever has a job may be silent: of its signs the original writes down those alone that it gives when
        /// it looks for jobs.
        package var silence: Int64
        /// Nobody looks.
        package var isIgnored: Bool

        package init(beat: Int64 = 1_000_000, silence: Int64 = 600_000_000, isIgnored: Bool = false) {
            self.beat = beat
            self.silence = silence
            self.isIgnored = isIgnored
        }

        /// Throws `Failure` when one of the jobs has had a sign of life just now.
        package func check(_ jobs: [ForeignJob], now: Timestamp) throws(Failure) {
            if isIgnored { return }
            for job in jobs {
                guard let heartbeat = job.heartbeat else { continue }
                let limit = job.isManaged ? max(2 * beat, silence) : 2 * beat
                let age = now.microseconds.subtractingReportingOverflow(heartbeat.microseconds)
                guard !age.overflow, age.partialValue < limit else { continue }
                throw Failure.input(
                    """
                    Simple Scheduler still schedules here: its job '\(job.name)' had a sign of life at \
                    \(heartbeat.rfc3339). Stop it; where it was killed, wait \(Span.format(limit)) or give --take-over
                    """)
            }
        }
    }

    // MARK: As ours

    extension AdoptedJob {
        /// Maps a job as a body of Simple Scheduler's API is mapped; it goes on at its very next time.
        package init(_ foreign: ForeignJob, now: Timestamp) {
            var job = SeedValues.job(named: foreign.name)
            var values = SeedValues()
            values.enabled = foreign.enabled
            values.runExecutionTimeout = foreign.runExecutionTimeout
            values.runStartTimeout = foreign.runStartTimeout
            values.heartbeatTimeout = foreign.heartbeatTimeout
            values.maxQueueCount = foreign.maxQueueCount
            values.allowConcurrentRuns = foreign.allowConcurrentRuns
            values.put(on: &job)
            let interval = foreign.interval ?? 0
            let first = foreign.nextRunAt ?? now.adding(microseconds: interval * 1_000)
            SeedValues.schedule(&job, from: first, every: interval)
            var next: Timestamp? = first
            // It has none before that one; a cursor that is ahead of the clock would look like a clock that went back.
            var cursor = min(first.adding(microseconds: -1), now)
            if foreign.isOpened {
                cursor = first
                next = interval > 0 ? first.adding(microseconds: interval * 1_000) : nil
            }
            // One that is off has no next time until somebody enables it.
            self.init(job, cursor: cursor, nextDue: job.isOn ? next : nil)
        }
    }

    extension Run {
        /// Makes a run of a job of ours; what has not ended goes on, as one whose action is out.
        package init(_ foreign: ForeignRun, of job: JobID) {
            self.init(
                id: foreign.id, jobID: job, job: foreign.job, revision: 1, trigger: .schedule,
                scheduledAt: foreign.createdAt, createdAt: foreign.createdAt)
            state = foreign.state
            dispatchedAt = createdAt
            switch state {
            // One that was reset after a silence is as if it had never started.
            case .pending: break
            case .running:
                startedAt = foreign.startedAt ?? createdAt
                heartbeatAt = foreign.heartbeatAt
            case .cancelling:
                startedAt = foreign.startedAt
                heartbeatAt = foreign.heartbeatAt
            default:
                startedAt = foreign.startedAt
                endedAt = foreign.endedAt
                heartbeatAt = foreign.heartbeatAt
            }
        }
    }
#endif
