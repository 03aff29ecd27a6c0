import CarillonCore
import Logging

/// Takes over what an earlier daemon left.
struct Adoption {
    var reporter: Reporter
    /// The machine was started since the last daemon.
    var isNewBoot: Bool
    /// Somebody ends what runs for an attempt that the ledger has closed.
    var tellsOfClosed = false

    /// Answers the attempts that were never received; tells of all the others.
    func adopt(_ outstanding: [Run]) -> [AttemptID] {
        var unknown: [AttemptID] = []
        var news: [DispatchEvent] = []
        for run in outstanding {
            let attempt = AttemptID(run: run.id, attempt: run.attempt)
            switch reporter.directory.glimpse(attempt) {
            case .some(let glimpse) where !glimpse.isVoid || !reporter.directory.removeVoid(attempt):
                news += reporter.resume(attempt, job: run.job)
            case nil where isStarted(run):
                news.append(reporter.vanished(attempt, isNewBoot: isNewBoot))
            default:
                unknown.append(attempt)
            }
        }
        removeStale(except: Set(outstanding.map { AttemptID(run: $0.id, attempt: $0.attempt) }))
        reporter.tell(news)
        return unknown
    }

    /// Whether a run counts as started; files are not forced to disk one by one, so after a reboot a missing one proves
    /// nothing of a run that was handed over.
    private func isStarted(_ run: Run) -> Bool {
        run.startedAt != nil || run.process != nil || (isNewBoot && run.dispatchedAt != nil)
    }

    private func removeStale(except outstanding: Set<AttemptID>) {
        for attempt in reporter.directory.attempts() where !outstanding.contains(attempt) {
            guard let glimpse = reporter.directory.glimpse(attempt), reporter.roster.entry(attempt) == nil else {
                continue
            }
            if glimpse.isVoid {
                _ = reporter.directory.removeVoid(attempt)
            } else if glimpse.isLocked && glimpse.status.end == nil {
                reporter.logger.warning(
                    "a program still runs for an attempt the ledger has closed",
                    metadata: ["run": "\(attempt.run)", "pid": "\(glimpse.status.start?.pid ?? 0)"])
                // Its log is not looked for.
                if tellsOfClosed { reporter.tell(reporter.resume(attempt, job: "")) }
            } else {
                if glimpse.status.end == nil { _ = OrphanReaper(attempt, glimpse).end() }
                reporter.directory.remove(attempt)
            }
        }
    }
}
