public import CarillonCore
import Logging
import Synchronization
import Timetable

/// What the app has announced and not been seen to commit.
struct Announced: Sendable {
    /// Rows that are changing, by their names.
    struct Watch: Sendable {
        /// What `modified` said when it was announced; nil when there was no row.
        var known: String?
        /// Nobody could read it then.
        var isUnknown = false
        /// In uptime.
        var since: Int64
    }

    /// A schedule that stays off although its row may still say enabled.
    struct Cancel: Sendable {
        var known: String?
        var isUnknown = false
    }

    var watched: [String: Watch] = [:]
    var cancelled: [String: Cancel] = [:]
    /// A full reading was asked for and has not begun.
    var owesAll = false
}

/// The app says **before** it writes that a row changes (its `before_save`), so the row is read again until it differs.
extension FrappeFeed {
    /// Microseconds for which an announced row is looked at every second.
    private static let attention: Int64 = 15_000_000

    /// Names the job that a schedule is.
    public func job(of schedule: String) -> String { reader.prefix + schedule }

    /// Notes that a row is changing, or about to be there. Answers what the user is to read.
    ///
    /// `doubt` says what stands against a run just now, such as a queue without a worker.
    public func created(_ name: String, doubt: @Sendable (Target) async -> String?) async -> String {
        let reader = reader
        var watch = Announced.Watch(since: clock.uptime)
        var found: (modified: String?, reading: FrappeJob.Reading)?
        do {
            found = try await few.rows(named: [name]) { ($0.modified, reader.read($0, $1)) }.first
            watch.known = found?.modified
        } catch {
            watch.isUnknown = true
        }
        announced.withLock { [watch] in $0.watched[name] = watch }
        tell.yield(.jobs([reader.prefix + name]))
        announce.yield()
        if watch.isUnknown {
            return "Task schedule '\(name)' is noted. The database does not answer now; it will be read when it does."
        }
        return await describe(name, found?.reading, doubt)
    }

    /// Ends a schedule now. Answers what the user is to read.
    public func cancelled(_ name: String) async -> String {
        // It is off before anybody has looked at its row.
        announced.withLock { $0.cancelled[name] = Announced.Cancel(isUnknown: true) }
        tell.yield(.jobs([reader.prefix + name]))
        if let modified = try? await few.modified(named: [name]) {
            announced.withLock { announced in
                if announced.cancelled[name] != nil {
                    announced.cancelled[name] = Announced.Cancel(known: modified[name])
                }
            }
        }
        announced.withLock { $0.watched[name] = Announced.Watch(isUnknown: true, since: clock.uptime) }
        announce.yield()
        logger.info("a schedule was cancelled by the app", metadata: ["schedule": "\(name)"])
        return "Task schedule '\(name)' is cancelled."
    }

    /// Whether a row is off by a cancel that it does not know of yet.
    func isCancelled(_ row: FrappeRow) -> Bool {
        announced.withLock { announced in
            guard var cancel = announced.cancelled[row.name] else { return false }
            if cancel.isUnknown {
                cancel = Announced.Cancel(known: row.modified)
                announced.cancelled[row.name] = cancel
            }
            if row.enabled, cancel.known == row.modified { return true }
            announced.cancelled[row.name] = nil
            return false
        }
    }

    /// Looks at announced rows every second until each differs from what was known, or its time is over.
    func watch() async {
        for await _ in news {
            while !announced.withLock({ $0.watched.isEmpty }) {
                do { try await clock.sleep(for: 1_000_000) } catch { return }
                await lookAtWatched()
            }
        }
    }

    /// Answers the rows that are to be read.
    @discardableResult
    package func lookAtWatched() async -> Set<String> {
        let watched = announced.withLock { $0.watched }
        let now = clock.uptime
        var looked: [String: String?] = [:]
        do {
            let names = Array(watched.keys)
            for start in stride(from: 0, to: names.count, by: 500) {
                let part = names[start..<min(start + 500, names.count)]
                let modified = try await few.modified(named: Array(part))
                for name in part { looked[name] = .some(modified[name]) }
            }
        } catch {
            // It is asked again in a second; when the time is over, a full reading finds the row.
            logger.debug("announced rows cannot be read", metadata: ["error": "\(error)"])
        }
        var rows: Set<String> = []
        announced.withLock { announced in
            // Those announced again meanwhile have their own time.
            for (name, watch) in watched where announced.watched[name]?.since == watch.since {
                let isOver = now - watch.since >= Self.attention
                if let modified = looked[name], watch.isUnknown || modified != watch.known {
                    rows.insert(name)
                    // What nobody could read when it was announced may change yet.
                    announced.watched[name] =
                        watch.isUnknown ? Announced.Watch(known: modified, since: watch.since) : nil
                }
                if isOver {
                    rows.insert(name)
                    announced.watched[name] = nil
                    // A row that is gone needs no cancel.
                    if looked[name] == .some(nil) { announced.cancelled[name] = nil }
                }
            }
        }
        if !rows.isEmpty { tell.yield(.jobs(Set(rows.map { reader.prefix + $0 }))) }
        return rows
    }

    private func describe(
        _ name: String, _ reading: FrappeJob.Reading?, _ doubt: @Sendable (Target) async -> String?
    ) async -> String {
        switch reading {
        case nil: return "Task schedule '\(name)' is noted. It will be read when it is saved."
        case .nothing?: return "Task schedule '\(name)' is noted. As it stands it is disabled."
        case .problem(let problem)?:
            let column = problem.key.map { "\($0): " } ?? ""
            return "Task schedule '\(name)' is noted. As it stands it does not run: \(column)\(problem.message)."
        case .job(let job, _)?:
            guard job.enabled else { return "Task schedule '\(name)' is noted. As it stands it is disabled." }
            var words = "Task schedule '\(name)' is noted."
            if let compiled = try? job.schedule.compile(job: job.name, zones: reader.zones),
                let next = compiled.next(after: clock.now)
            {
                words += " As it stands it runs next at \(compiled.zone.format(next)) (\(Zone.utc.format(next)))."
            }
            if let doubt = await doubt(job.target) { words += " Warning: \(doubt)." }
            return words
        }
    }
}
