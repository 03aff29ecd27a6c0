package import CarillonCore
import Timetable

/// What stands in another store, one change after the other: for those who look at all of it at once.
extension MemoryLedger {
    /// Takes a job as it stands; with the one that its cursor follows while it is changing.
    package mutating func mirror(_ stored: StoredJob, changing: ChangingJob? = nil) {
        var row = JobRow(stored: stored)
        if let changing { (row.former, row.changedAt) = (changing.former, changing.changedAt) }
        jobs[stored.id] = row
        names[stored.job.name] = stored.id
    }

    package mutating func mirror(_ run: Run) {
        runs[run.id] = run
        if run.state.isFinal { active.remove(run.id) } else { active.insert(run.id) }
        if let time = run.occurrence { occurrences[Occurrence(job: run.jobID, at: time)] = run.id }
    }

    package mutating func mirror(_ record: InstanceRecord) { tables.instances[record.number] = record }

    /// Takes a share of the jobs as it stands.
    package mutating func mirror(_ record: ShardRecord) {
        if Int(record.shard.number) < tables.shards.count { tables.shards[Int(record.shard.number)] = record }
    }

    package mutating func mirror(_ skips: [Skip], of job: JobID) { self.skips[job] = skips }

    package mutating func removeMirrored(_ job: JobID) { jobs[job] = nil }

    package mutating func removeMirrored(_ run: RunID) {
        guard let known = runs.removeValue(forKey: run) else { return }
        active.remove(run)
        if let time = known.occurrence { occurrences[Occurrence(job: known.jobID, at: time)] = nil }
    }

    package mutating func removeMirrored(_ instance: InstanceNumber) { tables.instances[instance] = nil }
}
