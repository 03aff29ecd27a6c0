import CarillonCore
import CoreMetrics
import Logging
import Timetable

/// Scheduled times that did not run, in a record of the ledger.
struct SkippedTimes: Sendable {
    var reason: SkipReason
    var after: Timestamp
    var through: Timestamp
    /// That these times are of; nil where nobody knows it, and then it is one.
    var schedule: Schedule?

    /// A record of more counts as so many.
    private static let most = 1_000_000

    var count: Int {
        guard reason != .gap, let schedule else { return 1 }
        return schedule.count(after: after, through: through, limit: Self.most)
    }
}

/// What the engine tells of beside its own events.
struct Measured: Sendable {
    struct Feed: Sendable {
        let isUp: Meter
        let readAt: Meter
        let problems: Meter
    }

    var feeds: [String: Feed] = [:]
    var zones: String?
    var zonesMeter: Meter?
}

/// Figures for those who watch: looked up now and then in the engine's memory, so that whoever reads them asks nobody.
extension Engine {
    /// Microseconds between two looks, and how much longer than a look at least.
    private nonisolated static var measuring: (pause: Int64, rest: Int64) { (5_000_000, 1_000) }

    func measureLoop(_ feeds: @Sendable () async -> [FeedView]) async {
        metrics.meter("build_info", [("version", facts.build)]).set(1)
        metrics.meter("instance_info", [("instance", instance)]).set(1)
        while !Task.isCancelled {
            let views = await feeds()
            let took = measure(views)
            do {
                try await clock.sleep(for: max(Self.measuring.pause, Self.measuring.rest * took))
            } catch {
                return
            }
        }
    }

    /// Takes down what there is; answers how long that took, in microseconds.
    private func measure(_ feeds: [FeedView]) -> Int64 {
        let begun = clock.uptime
        metrics.set(state.figures(at: clock.now))
        metrics.set(term: sharing.term.count, isHeld: sharing.isSure(at: clock.sinceBoot) && !isLost)
        for view in feeds { measure(view) }
        if measured.zones != zones.version {
            measured.zonesMeter?.destroy()
            measured.zonesMeter = metrics.meter("tzdata_info", [("version", zones.version)])
            measured.zonesMeter?.set(1)
            measured.zones = zones.version
        }
        return clock.uptime - begun
    }

    private func measure(_ view: FeedView) {
        let label = [("feed", view.name)]
        let feed =
            measured.feeds[view.name]
            ?? Measured.Feed(
                isUp: metrics.meter("feed_up", label), readAt: metrics.meter("feed_read_timestamp_seconds", label),
                problems: metrics.meter("feed_problems", label))
        measured.feeds[view.name] = feed
        feed.isUp.set(view.error == nil && view.readAt != nil ? 1 : 0)
        feed.readAt.set(view.readAt?.inSeconds ?? .nan)
        feed.problems.set(view.problems.count)
    }

    /// Has the times counted that an advance left out; beside the engine, and as one where very many wait for that.
    func count(_ advance: JobAdvance) {
        let job = state.cached([advance.id]).known.first
        for skip in advance.skips {
            let definition = [job?.former, job?.definition].compactMap(\.self).first { $0.revision == skip.revision }
            let times = SkippedTimes(
                reason: skip.reason, after: skip.after, through: skip.through, schedule: definition?.schedule)
            // A number at least: nobody counts them here while the engine waits.
            if case .dropped(let times) = askToCount.yield(times) { metrics.skipped(times.reason, 1) }
        }
    }

    nonisolated func countLoop() async {
        for await times in toCount { metrics.skipped(times.reason, times.count) }
    }

    /// Looks up in the store what only it knows of jobs; at most a hundredth of the time.
    nonisolated func surveyLoop(watching tags: Set<String>) async {
        var survey = JobSurvey(metrics, tags: tags)
        while !Task.isCancelled {
            let begun = clock.uptime
            var queues: [QueueDepth] = []
            for lane in lanes.served { queues += await lane.dispatcher.queues(limit: JobSurvey.mostQueues) }
            survey.look(queues)
            do {
                try await survey.look(store, faulty: await faulty.count) { await self.activity(of: $0) }
            } catch {
                // What it said last stands; that it does not answer others say.
                logger.debug("the store was not surveyed", metadata: ["error": "\(error)"])
            }
            do {
                try await clock.sleep(for: max(JobSurvey.pause, 99 * (clock.uptime - begun)))
            } catch {
                return
            }
        }
    }
}
