#if MongoDB
    public import CarillonCore
    import MongoClient
    import StoreCodec
    import Synchronization
    public import Timetable

    /// Retention: what is to go is looked for beside those who write, and removed in bites.
    extension MongoStore {
        public func prune(
            _ retention: Retention, under term: Term, now: Timestamp, limit: Int
        ) async throws -> [GoneRun] {
            guard limit > 0 else { return [] }
            try await check(term)
            var pass: PruningPass
            if let known = known.withLock(\.pruning), known.retention == retention {
                pass = known
            } else {
                pass = PruningPass(retention, now: now)
            }
            known.withLock { $0.pruning = nil }
            while !pass.isDone {
                if pass.found.isEmpty {
                    pass = try await look(pass)
                    continue
                }
                let victims = Array(pass.found.prefix(limit))
                pass.found.removeFirst(victims.count)
                let gone = try await remove(victims)
                if !gone.isEmpty {
                    known.withLock { [pass] in $0.pruning = pass }
                    return gone
                }
            }
            try await pruneSkips(retention, oldest: pass.oldest)
            try await forgetJobs(oldest: pass.oldest)
            try await forgetSchedules()
            try await forgetMail()
            try await recount(now)
            return []
        }

        /// Every run is looked at for it, in microseconds: an hour of one each second is 3,600 of a job.
        private static let countEvery: Int64 = 600_000_000

        /// Removes what was found, and answers it; a run may have changed since then, and only one that has ended goes.
        private func remove(_ victims: [RunID]) async throws -> [GoneRun] {
            let ended: DocumentFilter = [.isOneOf("_id", victims.map(\.object)), .isMissing("active")]
            let found = try await documents.find(
                Layout.runs, ended, fields: ["jobID", "jobName", "machine", "occurrence"])
            var newest: [JobID: Int64] = [:]
            for run in found {
                guard let job = run["jobID"]?.job, let at = run["occurrence"]?.integer else { continue }
                newest[job] = max(newest[job] ?? at, at)
            }
            // First: whoever decided on one of them, and comes late, does not write it again.
            _ = try await documents.updateEach(
                Layout.jobs,
                newest.sorted { $0.key < $1.key }.map { job, at in
                    DocumentUpdate([.equals("number", BSONValue(job))], [.raise("forgotten", .int64(at))])
                })
            let ids = found.compactMap { $0["_id"] }
            _ = try await documents.delete(Layout.runs, [.isOneOf("_id", ids), .isMissing("active")])
            return found.compactMap { run in
                run["_id"]?.objectID.map {
                    GoneRun(id: RunID($0), job: run["jobName"]?.string ?? "", machine: run["machine"]?.string)
                }
            }
        }

        /// Looks for more; goes on to the next stage when this one has no more.
        private func look(_ before: PruningPass) async throws -> PruningPass {
            var pass = before
            let oldest = BSONValue(before.oldest)
            switch before.stage {
            case .old(let last):
                // Nothing that an id can say is older than 1970, and everything is older than 2106.
                guard pass.oldest.seconds >= 0 else {
                    pass.stage = .outside
                    return pass
                }
                let (seconds, most) = (pass.oldest.seconds, Int64(UInt32.max))
                let end = RunID(second: UInt32(clamping: seconds), hash: seconds > most ? .max : 0)
                let first = last ?? RunID(second: 0, hash: 0)
                let found = try await documents.find(
                    Layout.runs, [.isAbove("_id", first.object), .isBelow("_id", end.object)],
                    fields: ["active", "endedAt", "scheduledAt", "jobID"], sort: [.up("_id")], limit: PruningPass.most)
                pass.found = found.compactMap { run in
                    guard run["active"] == nil, run["jobID"] != nil, let scheduled = run["scheduledAt"]?.time,
                        max(run["endedAt"]?.time ?? scheduled, scheduled) < pass.oldest
                    else { return nil }
                    return run["_id"]?.objectID.map { RunID($0) }
                }
                pass.stage = found.last?["_id"]?.objectID.map { .old(after: RunID($0)) } ?? .outside
            case .outside:
                pass.found = try await documents.find(
                    Layout.runs,
                    [
                        .equals("outside", true), .isMissing("active"), .isBelow("scheduledAt", oldest),
                        .any([[.isMissing("endedAt")], [.isBelow("endedAt", oldest)]]),
                    ], fields: ["_id"]
                ).compactMap { $0["_id"]?.objectID.map { RunID($0) } }
                pass.stage = .count
            case .count:
                let last = known.withLock(\.counted)
                if let last, last.for == pass.retention, pass.now < last.at.adding(microseconds: Self.countEvery),
                    pass.now >= last.at
                {
                    pass.stage = .done
                    return pass
                }
                known.withLock { $0.counted = (before.now, before.retention) }
                let crowded = try await documents.tally(
                    Layout.runs, [.isAtLeast("jobID", 0)], by: "jobID", above: pass.retention.perJob)
                pass.stage = .jobs(crowded.keys.compactMap(\.job).sorted()[...])
            case .jobs(let rest):
                guard let job = rest.first else {
                    pass.stage = .done
                    return pass
                }
                // What is active counts for nothing, whatever runs among them.
                pass.found = try await documents.find(
                    Layout.runs, [.equals("jobID", BSONValue(job)), .isMissing("active")], fields: ["_id"],
                    sort: [.down("scheduledAt")]
                ).dropFirst(pass.retention.perJob).compactMap { $0["_id"]?.objectID.map { RunID($0) } }
                pass.stage = .jobs(rest.dropFirst())
            case .done: break
            }
            return pass
        }

        /// Skips that are too old, and of each job those past the number that is kept.
        private func pruneSkips(_ retention: Retention, oldest: Timestamp) async throws {
            _ = try await documents.delete(Layout.skips, [.isBelow("through", BSONValue(oldest))])
            let crowded = try await documents.tally(Layout.skips, [], by: "jobID", above: retention.perJob)
            for job in crowded.keys {
                let late = try await documents.find(
                    Layout.skips, [.equals("jobID", job)], fields: ["_id"], sort: [.down("through")]
                ).dropFirst(retention.perJob).compactMap { $0["_id"] }
                _ = try await documents.delete(Layout.skips, [.isOneOf("_id", Array(late))])
            }
        }

        /// Forgets a job that is gone with the last of its history; its number is never drawn again. What an order laid on it is
        /// remembered as long as history is: a file that returns finds its job off.
        private func forgetJobs(oldest: Timestamp) async throws {
            let gone = try await documents.find(
                Layout.jobs, [.equals("removed", true), .isMissing("former")],
                fields: ["number", "revision", "cursor", "definition.standing"])
            for job in gone {
                guard let number = job["number"], let revision = job["revision"] else { continue }
                let isOff = RowCodec.standing(job.at("definition.standing")?.string)?.off != nil
                if isOff, let cursor = job["cursor"]?.time, cursor >= oldest { continue }
                let ofJob: DocumentFilter = [.equals("jobID", number)]
                if try await documents.first(Layout.runs, ofJob, fields: ["_id"]) != nil { continue }
                if try await documents.first(Layout.skips, ofJob, fields: ["_id"]) != nil { continue }
                // As it was read: whoever brought it back since has begun another revision.
                _ = try await documents.delete(
                    Layout.jobs,
                    [
                        .equals("number", number), .equals("revision", revision), .equals("removed", true),
                        .isMissing("former"), .isMissing("opening"),
                    ])
            }
        }

        /// Jobs of one question to the server.
        private static let jobsAtOnce = 1_000

        /// Forgets schedules that no skip is counted with any more.
        private func forgetSchedules() async throws {
            let kept = Gathered<BSONDocument>()
            try await documents.scan(Layout.revisions, [], fields: ["jobID", "revision"], sort: []) { kept.add($0) }
            let byJob = Dictionary(grouping: kept.all) { $0["jobID"]?.job ?? JobID(0) }
            let jobs = byJob.keys.sorted()
            for start in stride(from: 0, to: jobs.count, by: Self.jobsAtOnce) {
                let some = jobs[start..<min(start + Self.jobsAtOnce, jobs.count)]
                var oldest: [JobID: Int64] = [:]
                let skips = try await documents.find(
                    Layout.skips, [.isOneOf("jobID", some.map { BSONValue($0) })], fields: ["jobID", "revision"])
                for skip in skips {
                    guard let job = skip["jobID"]?.job, let revision = skip["revision"]?.integer else { continue }
                    oldest[job] = min(oldest[job] ?? revision, revision)
                }
                let changing = Set(
                    try await documents.find(
                        Layout.jobs, [Self.numbers(some), .any([[.exists("former")], [.exists("opening")]])],
                        fields: ["number"]
                    ).compactMap { $0["number"]?.job })
                let gone = some.filter { !changing.contains($0) }.flatMap { job in
                    (byJob[job] ?? []).filter { ($0["revision"]?.integer ?? 0) < oldest[job] ?? .max }
                }
                _ = try await documents.delete(Layout.revisions, [.isOneOf("_id", gone.compactMap { $0["_id"] })])
            }
        }

        /// Forgets mail for a machine that has not come back for 30 days.
        private func forgetMail() async throws {
            guard let clock = try await documents.time() else { return }
            _ = try await documents.delete(
                Layout.mail, [.exists("machine"), .isBelow("postedAt", .date(clock - 30 * 86_400_000))])
        }

        /// The server gives room that was freed to new documents.
        public func shrink(under term: Term, limit: Int) async throws -> Bool { false }
    }

    /// One pass of retention through the ledger: what is too old, then what is past the number that each job keeps.
    struct PruningPass: Sendable {
        enum Stage: Sendable {
            /// Ids begin with the scheduled second; this one was the last that was looked at.
            case old(after: RunID?)
            /// Scheduled before 1970 or after 2106, where ids say nothing.
            case outside
            case count
            /// Jobs with more runs than are kept.
            case jobs(ArraySlice<JobID>)
            case done
        }

        /// Documents of one look.
        static let most = 5_000

        let retention: Retention
        let now: Timestamp
        /// Runs that ended before this are too old.
        let oldest: Timestamp
        /// Runs that are to go and have not gone yet.
        var found: [RunID] = []
        var stage = Stage.old(after: nil)

        init(_ retention: Retention, now: Timestamp) {
            self.retention = retention
            self.now = now
            oldest = now.adding(microseconds: -retention.age)
        }

        var isDone: Bool {
            if case .done = stage { return found.isEmpty }
            return false
        }
    }
#endif
