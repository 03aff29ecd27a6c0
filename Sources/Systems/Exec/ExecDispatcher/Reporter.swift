import CarillonCore
import Glibc
import Logging
import Synchronization
import Timetable

/// Turns status files into events and tells them, each end once.
final class Reporter: Sendable {
    let directory: AttemptDirectory
    let roster: RunningAttempts
    let secondLooks: SecondLooks
    let events: AsyncStream<[DispatchEvent]>
    let logger: Logger
    /// What kept a program from being started, and when that was last seen.
    private let lastTrouble = Mutex<(text: String, at: Timestamp)?>(nil)
    private let told: AsyncStream<[DispatchEvent]>.Continuation
    private let stateDirectory: String
    private let now: @Sendable () -> Timestamp

    init(
        directory: AttemptDirectory, roster: RunningAttempts, secondLooks: SecondLooks, stateDirectory: String,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.directory = directory
        self.roster = roster
        self.secondLooks = secondLooks
        self.stateDirectory = stateDirectory
        self.logger = logger
        self.now = now
        (events, told) = AsyncStream.makeStream()
    }

    func tell(_ news: [DispatchEvent]) {
        if !news.isEmpty { told.yield(news) }
    }

    func note(trouble text: String) {
        let now = now()
        lastTrouble.withLock { $0 = (text, now) }
    }

    /// Nil when programs can be started, as far as the last try tells. Whoever waits tries twice as often as this forgets.
    var trouble: String? {
        let now = now()
        return lastTrouble.withLock { last in
            guard let last, last.at.adding(microseconds: 60_000_000) > now else { return nil }
            return last.text
        }
    }

    private func started() { lastTrouble.withLock { $0 = nil } }

    func finish() { told.finish() }

    /// Reports an attempt's start, once.
    func start(of attempt: AttemptID) -> [DispatchEvent] {
        guard let glimpse = directory.glimpse(attempt), glimpse.status.start != nil else { return [] }
        pin(attempt, glimpse)
        return start(of: attempt, glimpse.status)
    }

    /// Reports the end of an attempt under way whose status file somebody let go of; nothing when it goes on.
    func end(of attempt: AttemptID, isSecondLook: Bool = false) -> [DispatchEvent] {
        guard let known = roster.entry(attempt) else { return [] }
        // Until its shim is there, whatever was closed is the removed file of an earlier try.
        if case .starting = known.shim { return [] }
        let glimpse = directory.glimpse(attempt)
        if let glimpse, glimpse.isLocked, glimpse.status.end == nil {
            if !isSecondLook { secondLooks.add(attempt) }
            return []
        }
        let start = glimpse.map { self.start(of: attempt, $0.status) } ?? []
        guard let entry = roster.leave(attempt, known) else { return [] }
        let exitCode = entry.shim.reap()
        return start + [end(of: attempt, job: entry.job, glimpse, entry.shim, exitCode: exitCode)]
    }

    /// Reports of an attempt with a status file that is not under way for us; it is from here on, when it still runs.
    func resume(_ attempt: AttemptID, job: String) -> [DispatchEvent] {
        // In the roster first: should it end right now, the watcher tells it, or we do, but not both and not neither.
        guard roster.enter(attempt, job: job, shim: .unpinned) == .entered else { return [] }
        let news = end(of: attempt)
        return news.isEmpty ? start(of: attempt) : news
    }

    /// Looks at everything anew, when the kernel has dropped notices.
    func lookAgain() -> [DispatchEvent] { roster.attempts.flatMap { start(of: $0) + end(of: $0) } }

    /// Reports an attempt that was started and has no status file any more.
    func vanished(_ attempt: AttemptID, isNewBoot: Bool) -> DispatchEvent {
        let text = isNewBoot ? "the machine restarted while it ran" : "its status file was removed"
        return DispatchEvent(attempt: attempt, at: now(), what: .lost(text))
    }

    /// Holds the shim of an adopted attempt by a descriptor.
    private func pin(_ attempt: AttemptID, _ glimpse: AttemptDirectory.Glimpse) {
        guard let claim = glimpse.status.claim, case .unpinned = roster.entry(attempt)?.shim else { return }
        // Its lock is held after the number was pinned, so the number means the shim.
        guard let process = PinnedProcess(claim.shim), directory.glimpse(attempt)?.isLocked == true else { return }
        roster.settle(attempt, as: .pinned(process))
    }

    private func start(of attempt: AttemptID, _ status: AttemptStatus) -> [DispatchEvent] {
        guard let start = status.start, roster.announce(attempt) else { return [] }
        started()
        return [DispatchEvent(attempt: attempt, at: start.at, what: .started(status.process))]
    }

    private func end(
        of attempt: AttemptID, job: String, _ glimpse: AttemptDirectory.Glimpse?, _ shim: Shim,
        exitCode: Int32?
    ) -> DispatchEvent {
        guard let glimpse else { return vanished(attempt, isNewBoot: false) }
        if glimpse.isVoid {
            // Whoever else made it may still be about to start something.
            if shim.isChild { directory.remove(attempt) } else { _ = directory.removeVoid(attempt) }
            let why =
                switch exitCode {
                case 73: "cannot write to \(directory.path)"
                case 75: "it came too late: the machine or the daemon stood still"
                default: "its shim ended at once"
                }
            return unsent(attempt, why)
        }
        guard let end = glimpse.status.end else { return lost(attempt, glimpse) }
        if let trouble = end.passingTrouble {
            // Nothing was started, and nothing of it is left to answer for.
            directory.remove(attempt)
            return unsent(attempt, trouble)
        }
        started()
        if end.logFault != 0 {
            logger.warning(
                "the log of a run is incomplete",
                metadata: ["run": "\(attempt.run)", "job": "\(job)", "error": "\(SystemError.text(end.logFault))"])
        }
        let what = glimpse.status.ending(end) { count in
            RunLog.tail(of: RunLog.path(of: attempt.run, job: job, in: stateDirectory), count: count)
        }
        return DispatchEvent(attempt: attempt, at: end.at, what: what)
    }

    private func unsent(_ attempt: AttemptID, _ why: String) -> DispatchEvent {
        let text = "the program was not started: \(why)"
        note(trouble: text)
        return DispatchEvent(attempt: attempt, at: now(), what: .unsent(text))
    }

    private func lost(_ attempt: AttemptID, _ glimpse: AttemptDirectory.Glimpse) -> DispatchEvent {
        let text: String
        if glimpse.status.claim?.bootID != BootID.current {
            text = "the machine restarted while it ran"
        } else if let file = glimpse.status.claim?.file, file != glimpse.file {
            text = "its status file is a copy; what another state directory started was left alone"
        } else {
            text = "its shim was killed" + OrphanReaper(attempt, glimpse).end().words
        }
        return DispatchEvent(attempt: attempt, at: now(), what: .lost(text))
    }
}
