import CarillonCore
import Timetable

/// Orders that lay something upon a job, whatever feed owns it.
extension OrderService {
    func disable(_ name: String) async throws -> String {
        let stored = try await readable(name)
        let trouble = try await reconciler.lay(.disabled, on: stored)
        return "\(name) is disabled" + aside(trouble, stored)
    }

    func enable(_ name: String) async throws -> String {
        let stored = try await readable(name)
        if case .halted(let error)? = stored.job.standing?.off {
            throw OrderError(
                .refused, "\(name) halted after a failure (\(error)); `carillon jobs resolve \(name)` lets it go on")
        }
        let trouble = try await reconciler.lay(nil, on: stored)
        if !stored.job.enabled {
            // What an order added, an order switches on; another definition says itself whether it is.
            var job = try await owned(name).job
            job.enabled = true
            _ = try await engine.put([(job, stored.id)])
        }
        return "\(name) is enabled" + aside(trouble, stored)
    }

    func resolve(_ name: String) async throws -> String {
        let stored = try await readable(name)
        guard case .halted? = stored.job.standing?.off else {
            throw OrderError(.refused, "\(name) has not halted")
        }
        let trouble = try await reconciler.lay(nil, on: stored)
        return "\(name) goes on" + aside(trouble, stored)
    }

    /// Lays upon a job that a time to come is skipped: the one that is given, else its next.
    func skip(_ name: String, at text: String?) async throws -> String {
        let stored = try await readable(name)
        guard let schedule = CompiledJob(stored, zones: engine.zones).schedule, stored.nextDue != .distantFuture else {
            throw OrderError(.refused, "\(name) has no schedule whose times could be skipped")
        }
        let now = engine.clock.now
        let zone = schedule.zone
        let known = stored.job.standing?.skipping ?? []
        // What is due is being planned.
        let isToCome = { @Sendable (time: Timestamp) in time > now && time > stored.cursor }
        let time: Timestamp
        if let text {
            let (from, through) = try Explanation.moment(text, zone, now: now)
            guard let found = schedule.next(after: from.adding(microseconds: -1)), found <= through, isToCome(found)
            else {
                throw OrderError(
                    .bad,
                    "\(zone.format(from)): expected a time of \(name) that is to come\(schedule.next(after: max(now, from)).map { ", such as \(zone.format($0))" } ?? "")"
                )
            }
            time = found
        } else {
            var next = schedule.next(after: max(now, stored.cursor))
            while let found = next, known.contains(found) { next = schedule.next(after: found) }
            guard let next else { throw OrderError(.refused, "\(name) has no next time") }
            time = next
        }
        guard known.contains(time) || known.count(where: isToCome) < Standing.mostSkipping else {
            throw OrderError(
                .refused, "\(name) skips \(Standing.mostSkipping) times already; `carillon jobs disable` is for more")
        }
        try await engine.lay([stored.id]) { standing, _ in
            standing.skipping = Set(standing.skipping.filter(isToCome) + [time]).sorted()
        }
        return "\(name) skips \(zone.format(time))"
    }

    /// Takes back that a job is to skip a time to come: the one that is given, else the first of those.
    func unskip(_ name: String, at text: String?) async throws -> String {
        let stored = try await readable(name)
        let now = engine.clock.now
        let zone = try engine.zones.zone(stored.job.schedule.zone)
        var known = (stored.job.standing?.skipping ?? []).filter { $0 > now && $0 > stored.cursor }
        if let text {
            let (from, through) = try Explanation.moment(text, zone, now: now)
            known = known.filter { from <= $0 && $0 <= through }
        }
        guard let time = known.first else {
            throw OrderError(.refused, "\(name) is to skip no such time")
        }
        try await engine.lay([stored.id]) { standing, _ in standing.skipping.removeAll { $0 == time || $0 <= now } }
        return "\(name) runs at \(zone.format(time)) again"
    }

    func delete(_ name: String) async throws -> String {
        let stored = try await queries.job(named: name)
        guard stored.job.origin.feed != Origin.orders.feed else {
            try await engine.remove([stored.id])
            let going = try await engine.activeRuns(of: stored).count
            return "\(name) is deleted; " + rest(going, "going on")
        }
        _ = try await readable(name)
        var definition = stored.job
        definition.standing = nil
        // No run may begin while the last ones end, and what they need must not be gone before.
        let trouble = try await reconciler.lay(.deleted(definition.digest()), on: stored) { _ = try await stop(stored) }
        guard try await engine.store.job(named: name) != nil else {
            return "\(name) is deleted; " + rest(try await engine.activeRuns(of: stored).count, "still ending")
        }
        let left = try await engine.activeRuns(of: stored).count
        return "\(name) is deleted until its definition in \(stored.job.origin) changes"
            + (left == 0 ? "" : "; " + rest(left, "still ending")) + aside(trouble, stored)
    }

    private func rest(_ left: Int, _ how: String) -> String {
        switch left {
        case 0: "its runs stay in the ledger"
        case 1: "1 run is \(how)"
        default: "\(left) runs are \(how)"
        }
    }

    /// Ends what runs and what waits to run; returns when it has ended, and throws when its grace is over and it has not.
    func stop(_ name: String) async throws -> String {
        let (asked, left) = try await stop(try await queries.job(named: name))
        guard left == 0 else { throw OrderError(.refused, "\(name) is not stopped: \(rest(left, "still ending"))") }
        return switch asked {
        case 0: "\(name) has no run to stop"
        case 1: "\(name) is stopped"
        default: "\(asked) runs of \(name) are stopped"
        }
    }

    /// Starts a job anew; refused as long as a run that was to end has not.
    func restart(_ name: String) async throws -> RunView {
        let left = try await stop(try await queries.job(named: name)).left
        guard left == 0 else {
            throw OrderError(.refused, "\(name) was not started again: \(rest(left, "still ending"))")
        }
        return try await start(try await readable(name))
    }

    private func stop(_ stored: StoredJob) async throws -> (asked: Int, left: Int) {
        if await reconciler.restartsInterval(of: stored.job) {
            let now = engine.clock.now
            try await engine.lay([stored.id]) { standing, _ in standing.anchor = now }
        }
        return try await engine.endRuns(of: stored, reason: "stopped by an order")
    }

    private func aside(_ trouble: String?, _ stored: StoredJob) -> String {
        trouble.map { "; \(stored.job.origin.feed) is told as soon as it can be (\($0))" } ?? ""
    }
}
