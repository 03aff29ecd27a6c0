import CarillonCore
import Timetable

/// Says in words, from the ledger, why a job did or did not run, and when it runs next.
struct Explanation {
    let desk: QueryService
    let job: StoredJob
    let now: Timestamp
    /// Its definition is in no feed and no order any more.
    var isGone = false

    private var name: String { job.job.name }

    func view(at text: String?) async throws -> WhyView {
        let definition = CompiledJob(job, zones: desk.zones)
        let zone = try desk.zones.zone(job.job.schedule.zone)
        let pause = try await desk.pauses().words(of: job.job)
        let found: Finding
        if let text {
            found = try await about(text, definition, zone, pause)
        } else {
            found = try await latest(zone)
        }
        var view = WhyView(
            job: name, timeZone: zone.name, verdict: found.verdict, runs: found.runs.map(\.description), next: nil,
            steps: found.steps,
            lines: [
                isGone
                    ? "\(name): there is no such job any more; this is what the ledger has of it."
                    : "\(name): \(definition.words)"
            ])
        view.lines += found.lines
        if isGone { return view }
        view.next = definition.nextRun(of: job)
        view.lines += try await outlook(definition, zone, pause)
        return view
    }

    private struct Finding {
        var verdict: WhyView.Verdict
        var runs: [RunID] = []
        var steps: [WhyView.Step] = []
        var lines: [String]
    }

    // MARK: One time

    private func about(
        _ text: String, _ definition: CompiledJob, _ zone: Zone, _ pause: String?
    ) async throws -> Finding {
        let (from, through) = try Self.moment(text, zone, now: now)
        let runs = try await desk.store.runs(RunQuery(job: name, since: from, until: through, limit: 20))
        var told = runs.map { (at: $0.scheduledAt, steps: steps(of: $0, zone), lines: story($0, zone)) }
        for skip in try await desk.store.skips(RunQuery(job: name, since: from, until: through, limit: 20)) {
            let start = max(skip.after, from.adding(microseconds: -1))
            let covered = definition.schedule?.next(after: start).flatMap {
                $0 <= min(skip.through, through) ? $0 : nil
            }
            // A time that does not exist, and one that was past already, are no times of the schedule.
            let own = skip.reason == .gap || skip.reason == .past ? skip.through : nil
            guard let time = own ?? covered else { continue }
            let detail = skip.detail.map { " (\($0))" } ?? ""
            let steps = try await steps(of: skip, at: time, zone)
            told.append((time, steps, ["\(zone.format(time)): did not run, because \(skip.reason.words)\(detail)."]))
        }
        if !told.isEmpty {
            told.sort { $0.at < $1.at }
            return Finding(
                verdict: runs.isEmpty ? .skipped : .ran, runs: runs.map(\.id), steps: told[0].steps,
                lines: told.flatMap(\.lines))
        }
        let occurrence = definition.schedule?.next(after: from.adding(microseconds: -1)).flatMap {
            $0 <= through ? $0 : nil
        }
        guard let occurrence else {
            let lines = neighbours(of: from, definition, zone)
            return Finding(
                verdict: .notScheduled,
                steps: [step(.scheduled, false, lines.joined(separator: " "), revision: job.revision)], lines: lines)
        }
        let time = zone.format(occurrence)
        let scheduled = step(.scheduled, true, "\(time) is a time of its schedule", revision: job.revision)
        if occurrence > now, job.job.standing?.skipping.contains(occurrence) ?? false {
            return Finding(
                verdict: .skipped, steps: [scheduled, step(.on, false, SkipReason.ordered.words)],
                lines: ["\(time): it will not run, because \(SkipReason.ordered.words)."])
        }
        if occurrence > now {
            return Finding(
                verdict: .toCome, steps: [scheduled, step(.planned, nil, "that is still to come")],
                lines: ["\(time): that is still to come."])
        }
        if occurrence > job.cursor {
            var finding = open(occurrence, time, pause)
            let check: WhyView.Check =
                switch finding.verdict {
                case .skipped: .on
                case .paused: .dispatching
                default: .planned
                }
            finding.steps = [
                scheduled,
                step(check, finding.verdict == .toCome ? nil : false, finding.lines.joined(separator: " ")),
            ]
            return finding
        }
        return Finding(
            verdict: .unknown, steps: [scheduled, step(.opened, nil, "the ledger has nothing of it")],
            lines: ["\(time): the ledger has nothing: the job or this schedule is younger, or its history was pruned."])
    }

    /// Says what is known of a time that has passed and that nobody has decided yet.
    private func open(_ occurrence: Timestamp, _ time: String, _ pause: String?) -> Finding {
        if let reason = offReason {
            return Finding(verdict: .skipped, lines: ["\(time): did not run, because \(reason)."])
        }
        if let pause {
            return Finding(
                verdict: .paused,
                lines: [
                    "\(time): \(pause). Once it goes on, catch_up = \"\(catchUp)\" decides about this time."
                ])
        }
        return desk.isDaemon
            ? Finding(verdict: .toCome, lines: ["\(time): it is being planned just now."])
            : Finding(
                verdict: .notPlanned, lines: ["\(time): has not been planned yet; no daemon has scheduled since."])
    }

    /// Why a job that is off misses its times; nil for one that is on.
    private var offReason: String? {
        if let off = job.job.standing?.off { return off.reason.words + " (\(off.words))" }
        return job.job.enabled ? nil : SkipReason.disabled.words
    }

    private var catchUp: String { PolicyView(job.job.policies).catchUp }

    /// Reads a time; a whole minute means all of it.
    static func moment(_ text: String, _ zone: Zone, now: Timestamp) throws -> (Timestamp, Timestamp) {
        var text = text
        // A time of day alone is today's, in the job's zone.
        if (4...8).contains(text.utf8.count), text.contains(":"), !text.contains("-") {
            let today = zone.local(now)
            let pad = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
            if text.firstIndex(of: ":") == text.index(text.startIndex, offsetBy: 1) { text = "0" + text }
            text = "\(today.year)-\(pad(today.month))-\(pad(today.day)) \(text)"
        }
        do {
            guard case .once(let time) = try Schedule.Rule.once(parsing: text, zone: zone) else {
                throw OrderError(.bad, "'\(text)' is no time")
            }
            let whole = time.seconds % 60 == 0
            return (time, time.adding(microseconds: whole ? 59_999_999 : 999_999))
        } catch let error as ScheduleError {
            throw OrderError(.bad, error.message)
        }
    }

    private func neighbours(of time: Timestamp, _ definition: CompiledJob, _ zone: Zone) -> [String] {
        guard let schedule = definition.schedule else { return ["\(zone.format(time)): it has no schedule."] }
        var around: [String] = []
        if let before = schedule.previous(before: time) { around.append(zone.format(before)) }
        if let after = schedule.next(after: time) { around.append(zone.format(after)) }
        let nearest = around.isEmpty ? "" : " The nearest scheduled times are \(around.joined(separator: " and "))."
        return ["\(zone.format(time)): it is not scheduled at that time.\(nearest)"]
    }

    // MARK: The story of a run

    private func story(_ run: Run, _ zone: Zone) -> [String] {
        var lines: [String] = []
        let cause =
            switch run.trigger {
            case .schedule: "scheduled"
            case .catchUp: "scheduled, and caught up later"
            case .manual: "ordered by hand"
            case .backfill: "backfilled by hand"
            case .boot: "for a boot of the machine"
            }
        let why = run.cause.map { " (\($0.words))" } ?? ""
        lines.append("\(zone.format(run.scheduledAt)): \(cause)\(why); run \(run.id) is \(run.state.rawValue).")
        if let instance = run.instance {
            lines.append("  by instance \(instance)\(run.term.map { ", under term \($0)" } ?? "")")
        }
        for earlier in run.earlier {
            lines.append("  attempt \(earlier.attempt) failed: \(earlier.outcome.error ?? "no reason given")")
        }
        if let started = run.startedAt {
            let late = Double(started.microseconds - run.scheduledAt.microseconds) / 1_000_000
            let lateness =
                run.trigger.isOrdered ? "" : ", \(Span.format(Int64(max(late, 0) * 1_000) * 1_000)) after its time"
            lines.append("  started \(zone.format(started))\(run.earlier.isEmpty ? lateness : "")")
        }
        if let ended = run.endedAt {
            var how = ""
            if let code = run.outcome.exitCode { how = ", exit code \(code)" }
            if let signal = run.outcome.signal { how = ", signal \(signal)" }
            lines.append("  ended \(zone.format(ended))\(how)")
        }
        if let error = run.outcome.error { lines.append("  error: \(error)") }
        if let reason = run.reason, reason != run.outcome.error { lines.append("  reason: \(reason)") }
        if run.state == .pending {
            lines.append(
                run.held.flatMap { $0.until == nil ? "  waits: \($0.why)" : nil }
                    ?? (run.notBefore > now
                        ? "  waits until \(zone.format(run.notBefore))" : "  waits for its turn or for room")
            )
        }
        return lines
    }

    private func latest(_ zone: Zone) async throws -> Finding {
        var lines: [String] = []
        var verdict = WhyView.Verdict.notScheduled
        let run = try await desk.store.runs(RunQuery(job: name, limit: 1)).first
        let skip = try await desk.store.skips(RunQuery(job: name, limit: 1)).first
        var steps: [WhyView.Step] = []
        if let run {
            lines += story(run, zone)
            steps = self.steps(of: run, zone)
            verdict = .ran
        } else {
            lines.append("It has not run yet.")
        }
        if let skip, skip.through > run?.scheduledAt ?? .distantPast {
            let detail = skip.detail.map { " (\($0))" } ?? ""
            lines.append("\(zone.format(skip.through)): did not run, because \(skip.reason.words)\(detail).")
            steps = try await self.steps(of: skip, at: skip.through, zone)
            verdict = .skipped
        }
        return Finding(verdict: verdict, runs: run.map { [$0.id] } ?? [], steps: steps, lines: lines)
    }

    // MARK: What comes

    /// Says who plans a job that is for one machine, of those that share the store.
    private func place(_ host: String) async throws -> [String] {
        guard desk.store.isShared, !job.isRemoved else { return [] }
        let record = try await desk.store.shards(counting: false).first { $0.shard == job.shard }
        let holder = try await desk.store.instances().first { $0.term != nil && $0.number == record?.holder }
        guard record?.label == Place(of: job.job.policies).label else {
            let now = holder.map { " on \($0.facts.host)" } ?? ""
            return ["It is for \(host) alone, and goes there once its runs\(now) have ended."]
        }
        return holder == nil
            ? ["It is for \(host) alone, which is away: nobody plans it until that is back."]
            : ["It is for \(host) alone."]
    }

    private func outlook(_ definition: CompiledJob, _ zone: Zone, _ pause: String?) async throws -> [String] {
        var lines: [String] = []
        for problem in try await desk.problemsByJob()[name] ?? [] {
            lines.append("Its definition is broken: \(problem)")
        }
        if let fault = definition.fault { lines.append("It cannot run: \(fault)") }
        if let host = job.job.policies.host { lines += try await place(host) }
        if let pause { lines.append(pause.prefix(1).uppercased() + pause.dropFirst()) }
        if let off = job.job.standing?.off {
            lines.append("It does not run: \(off.words).")
        } else if !job.job.enabled {
            lines.append("It is disabled, so it does not run.")
        } else if let next = job.nextDue, next != .distantFuture {
            for time in job.job.standing?.skipping ?? [] where time > max(now, job.cursor) {
                lines.append("\(zone.format(time)) is skipped: `carillon jobs unskip \(name)` takes that back.")
            }
            if next <= now && pause != nil {
                lines.append("Next: as soon as dispatching goes on.")
            } else {
                lines.append(definition.nextRun(of: job).map { "Next: \(zone.format($0))" } ?? "There is no next time.")
            }
        } else if job.nextDue == .distantFuture {
            lines.append("Next: at the next boot of the machine.")
        } else {
            lines.append("There is no next time.")
        }
        return lines
    }
}
