#if MongoDB
    package import CarillonCore
    import MongoClient
    package import Timetable

    /// A job that is taken over, with where its times go on.
    package struct AdoptedJob: Hashable, Sendable {
        package var job: Job
        /// Times up to and including this one are the former scheduler's.
        package var cursor: Timestamp
        package var nextDue: Timestamp?

        package init(_ job: Job, cursor: Timestamp, nextDue: Timestamp?) {
            self.job = job
            self.cursor = cursor
            self.nextDue = nextDue
        }
    }

    /// Documents that Simple Scheduler has left, made our own: each by one update of one document that fits no second time.
    extension MongoStore {
        package var foreign: ForeignDocuments { ForeignDocuments(documents) }

        /// Makes documents of jobs our own, where nobody else has; answers how many. Throws `StoreError`, and may have made some.
        package func adopt(_ jobs: [AdoptedJob]) async throws -> Int {
            if jobs.isEmpty { return 0 }
            let manager = JobDocument.manager(of: try await storeID())
            let first = try await draw("jobs", jobs.count) - Int64(jobs.count) + 1
            var texts = JobTexts()
            var updates: [DocumentUpdate] = []
            for (place, adopted) in jobs.enumerated() {
                let id = JobID(Int32(truncatingIfNeeded: first + Int64(place)))
                var change = DocumentChange(
                    JobDocument.fields(of: adopted.job, try texts.parts(of: adopted.job), isRemoved: false) + [
                        .set("number", BSONValue(id)), .set("shard", BSONValue(Shard(of: id))),
                        .set("managerId", manager), .set("revision", .int64(1)),
                        .set("cursor", BSONValue(adopted.cursor)), .set("opened", .int64(0)),
                        .set("streak", .int64(0)),
                        // Whoever has the shard already is to hear of it.
                        .set("fresh", .int64(1)),
                        // Of one without, nobody's custodian thinks that its manager is gone.
                        .unset("heartbeat"),
                    ] + Self.leftover.map { .unset($0) })
                change.set("nextDue", adopted.nextDue.map { BSONValue($0) })
                // Of a job that has no next time its former one stays for people to read.
                if let due = adopted.nextDue { change.set("nextRunAt", .date(due)) }
                updates.append(
                    DocumentUpdate([.equals("_id", .string(adopted.job.name)), .isMissing("number")], change))
            }
            return try await documents.updateEach(Layout.jobs, updates)
        }

        /// What may be left in documents that were ours before, and were given back.
        private static let leftover = ["former", "opening", "pinned", "forgotten"]

        /// Reads the numbers of jobs of ours, by name.
        package func numbers(ofJobs names: Set<String>) async throws -> [String: JobID] {
            if names.isEmpty { return [:] }
            return try await documents.find(
                Layout.jobs, [.isOneOf("_id", names.map { .string($0) }), .exists("number")], fields: ["number"]
            ).reduce(into: [:]) { numbers, job in
                if let name = job["_id"]?.string { numbers[name] = job["number"]?.job }
            }
        }

        /// Makes documents of runs our own, where nobody else has; answers how many. Throws `StoreError`, and may have made some.
        ///
        /// They are no occurrences of their jobs' schedules: what was due before is the former scheduler's.
        package func adopt(_ runs: [Run]) async throws -> Int {
            if runs.isEmpty { return 0 }
            let found = try await documents.find(
                Layout.jobs, [Self.numbers(Set(runs.map(\.jobID)))], fields: ["number", "shard"])
            let shards = found.reduce(into: [JobID: Shard]()) { shards, job in
                if let id = job["number"]?.job { shards[id] = job["shard"]?.shard }
            }
            let epochs = try await currentEpochs(of: Set(shards.values))
            return try await documents.updateEach(
                Layout.runs,
                try runs.map { run in
                    let shard = shards[run.jobID] ?? Shard(of: run.jobID)
                    var change = try RunDocument.recorded(run, by: epochs[shard] ?? 0, record: writer)
                    change.steps += [
                        .set("jobID", BSONValue(run.jobID)), .set("revision", .int64(run.revision)),
                        .set("trigger", .string(run.trigger.rawValue)),
                        .set("scheduledAt", BSONValue(run.scheduledAt)), .set("createdAt", BSONValue(run.createdAt)),
                        .set("createdTime", .date(run.createdAt)), .set("manual", 1), .set("shard", BSONValue(shard)),
                    ]
                    change.steps += ["occurrence", "asked", "repeats"].map { .unset($0) }
                    if !run.state.isFinal { change.set("active", true) }
                    if Self.isApart(run) { change.set("outside", true) }
                    return DocumentUpdate([.equals("_id", run.id.object), .isMissing("jobID")], change)
                })
        }

        /// Whether a run's id says another time than it was scheduled at: as far apart as that they are when it was late.
        private static func isApart(_ run: Run) -> Bool {
            RunDocument.isOutside(run.scheduledAt) || abs(run.scheduledAt.seconds - Int64(run.id.second)) > mostApart
        }

        /// Seconds that the id of a run that was taken over may be from its time, and still stand in the order of lists.
        static let mostApart: Int64 = 60
    }
#endif
