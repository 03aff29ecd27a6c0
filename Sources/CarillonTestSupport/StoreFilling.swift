public import CarillonCore
import Timetable

/// A store with something of everything in it.
public enum StoreFilling {
    /// Puts jobs, runs in each state, skips, notes and a trail into an empty store; without an instance when it is done.
    public static func fill(_ store: any JobStore, jobs count: Int = 12, runsEach: Int = 9) async throws {
        let start = Samples.noon
        let term = try await store.join("filler")
        let id = try await store.storeID()
        let changes = (1...count).map { number in
            var job = Samples.job("ümläut \(number) '\"x\"", enabled: number % 4 != 0)
            job.tags = number % 3 == 0 ? ["third", "n\(number)"] : []
            if number % 5 == 0 { job.standing = Standing(off: .halted("it fell\nover")) }
            return JobChange.add(job, cursor: start, nextDue: start.plus(60), skips: [])
        }
        let stored = try await store.apply(changes, now: start).compactMap(\.stored)
        // A second revision, whose old schedule the skips of the first are counted with; one that is gone.
        var other = stored[0].job
        other.schedule = Samples.job("x", every: "7s").schedule
        let again = try await store.apply([.change(stored[0].id, other, revision: 1)], now: start)[0].stored
        _ = try await store.openRuns(
            [
                JobAdvance(
                    id: stored[0].id, revision: again?.revision ?? 0, from: start, to: start.plus(5),
                    nextDue: start.plus(7), skips: [Samples.skip(stored[0], after: start, through: start.plus(5))],
                    takesUp: true, countsAnew: true)
            ], under: term, now: start)
        try await store.remove(stored[1].id, cursor: start, under: term)
        // One that nobody has taken up yet.
        var next = stored[6].job
        next.policies.retry = Retry(attempts: 3)
        _ = try await store.apply([.change(stored[6].id, next, revision: 1)], now: start)
        var runs: [Run] = []
        for job in stored.dropFirst(2) where job.job.isOn && job.id != stored[6].id {
            let times = (1...runsEach).map { start.plus(60 * Int64($0)) }
            var own = times.map { Samples.run(job, at: $0, store: id) }
            own[0].reason = "why"
            own[0].arguments = ["a": "ü\u{1}", "b": ""]
            own[1].cause = .missed(.downtime, detail: "a b")
            let skip = Samples.skip(job, after: times[0], through: times[0].plus(30))
            let part = JobAdvance(
                id: job.id, revision: job.revision, from: start, to: times[runsEach - 1],
                nextDue: times[runsEach - 1].plus(60), runs: own, skips: [skip])
            runs += try await store.openRuns([part], under: term, now: start).new
        }
        for index in runs.indices {
            runs[index].state = RunState.allCases[index % RunState.allCases.count]
            guard runs[index].state != .pending else { continue }
            runs[index].dispatchedAt = runs[index].scheduledAt
            runs[index].startedAt = runs[index].scheduledAt.plus(1)
            runs[index].instance = "filler"
            runs[index].process = ProcessIdentity(pid: 7, startTicks: UInt64(index), bootID: "b:c")
            guard runs[index].state.isFinal else { continue }
            runs[index].endedAt = runs[index].scheduledAt.plus(Int64(index))
            runs[index].outcome = Outcome(
                exitCode: Int32(index % 3), signal: index % 2 == 0 ? 9 : nil, error: index % 4 == 0 ? "e\n'\"\\" : nil,
                outputTail: "last words\u{7}")
        }
        try await store.record(runs, under: term, now: start)
        let hand = Run(
            id: RunID(manualAt: start, random: 5), jobID: stored[2].id, job: stored[2].job.name, revision: 1,
            trigger: .manual, scheduledAt: start, createdAt: start)
        _ = try await store.openOrdered([hand], under: term, now: start)
        try await store.setNote("pause", "because \"x\"")
        for second in 1...3 {
            try await store.audit(
                AuditEntry(
                    at: start.plus(Int64(second)), user: second == 2 ? nil : "root", channel: "socket", action: "add",
                    subject: "ümläut", before: nil, after: "a\nb", error: nil), keep: 3_600_000_000)
        }
        try await store.leave(term)
    }
}
