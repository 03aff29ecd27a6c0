package import CarillonCore
import Timetable

/// Holds everything back, or the jobs with a tag.
extension EngineState {
    /// A tag whose jobs are held back.
    struct TagPause: Hashable, Sendable {
        var reason: String
        var since: Timestamp
    }

    /// A stretch in which a tag's jobs were held back.
    struct TagGap: Hashable, Sendable {
        var tag: String
        var gap: Gap
    }

    /// Such stretches that are remembered; what falls into an older one has another reason in the ledger.
    private static let mostTagGaps = 64

    /// Holds everything back for a reason, or lets it go on without one.
    mutating func pause(_ reason: String?, _ now: Timestamp) {
        if let before = pauseReason, reason != before {
            live = now
            note(Gap(after: pausedAt, through: now, reason: .paused, detail: before))
            pausedAt = now
        }
        if pauseReason == nil { pausedAt = now }
        pauseReason = reason
    }

    /// Holds the jobs with a tag back for a reason, or lets them go on without one.
    mutating func pause(tag: String, _ reason: String?, _ now: Timestamp, _ effects: inout [EngineEffect]) {
        let before = pausedTags[tag]
        guard reason != before?.reason else { return }
        if let before {
            tagGaps.append(TagGap(tag: tag, gap: before.gap(until: now)))
            if tagGaps.count > Self.mostTagGaps { tagGaps.removeFirst() }
        }
        pausedTags[tag] = reason.map { TagPause(reason: $0, since: now) }
        // Everything that rests is looked at again; what another tag holds rests on.
        let jobs = restingJobs
        restingJobs = []
        changed(jobs.sorted().map { JobCursor(id: $0, nextDue: .distantPast) })
        offerResting(now, &effects)
        if pausedTags.isEmpty { presentTags = [:] }
    }

    /// Takes up the tags that jobs have now; a run that rests follows its job.
    mutating func noteTags(_ tags: [JobID: [String]], _ now: Timestamp, _ effects: inout [EngineEffect]) {
        guard !pausedTags.isEmpty else { return }
        presentTags.merge(tags) { $1 }
        offerResting(now, &effects)
    }

    private mutating func offerResting(_ now: Timestamp, _ effects: inout [EngineEffect]) {
        let runs = restingRuns
        restingRuns = []
        for run in runs { offer(run, now, &effects) }
    }

    /// Whether a job has a tag that is held back.
    package func isHeldBack(_ job: Job) -> Bool { !pausedTags.isEmpty && job.tags.contains { pausedTags[$0] != nil } }

    /// Whether a run's job has a tag that is held back, as it is now.
    func isHeldBack(_ tracked: TrackedRun) -> Bool {
        !pausedTags.isEmpty
            && (presentTags[tracked.run.jobID] ?? tracked.definition.job.tags).contains { pausedTags[$0] != nil }
    }

    /// Keeps a run out of the queues until its job goes on; false when nothing holds it back.
    mutating func rests(_ id: RunID) -> Bool {
        guard let tracked = runs[id], isHeldBack(tracked) else { return false }
        runs[id]?.queued = false
        restingRuns.append(id)
        return true
    }

    /// The planner for a job with these tags: times at which one of them was held back were missed for that reason.
    func planner(_ planner: Planner, for tags: [String]) -> Planner {
        if tags.isEmpty || tagGaps.isEmpty && pausedTags.isEmpty { return planner }
        var gaps = tagGaps.filter { tags.contains($0.tag) }.map(\.gap)
        gaps += tags.compactMap { pausedTags[$0]?.gap(until: planner.now) }
        guard let last = gaps.map(\.through).max() else { return planner }
        var planner = planner
        planner.gaps = gaps + planner.gaps
        planner.live = max(planner.live, last)
        return planner
    }
}

extension EngineState.TagPause {
    fileprivate func gap(until end: Timestamp) -> Gap {
        Gap(after: since, through: end, reason: .paused, detail: reason)
    }
}
