import CarillonCore
import DequeModule
package import RedisClient
import Timetable

/// How runs ended: from the registries of each queue, and a few jobs one by one in turn. What it costs does not grow with
/// the number of runs that wait.
extension RQDispatcher {
    /// Jobs looked at one by one in a round: those whose ends no registry tells, and workers with a wrong clock.
    private static let inTurn = 250
    /// Jobs in one look.
    private static let inLook = 200
    /// Microseconds that a worker's clock may be behind before its word is doubted.
    private static let leeway: Int64 = 2_000_000
    /// Microseconds before a server that failed is asked again.
    private static let patience: Int64 = 1_000_000

    public func run() async {
        while !Task.isCancelled {
            var pause = configuration.interval
            do {
                try await round()
            } catch {
                pause = Self.patience
            }
            do { try await clock.sleep(for: pause) } catch { return }
        }
    }

    /// Takes one look at everything that is out.
    package func round() async throws(RedisError) {
        if entries.count > 0 || !adopted.isEmpty || !uncertain.isEmpty {
            defer { tellUnreceived() }
            try await checkMemory()
            try await settleUncertain()
            let began = clock.now
            let again = repeated
            try await settle(again)
            repeated.removeFirst(again.count)
            let news = try await readRegistries()
            try await settle(news.attempts)
            for (queue, registry, score) in news.read { books[queue]?.read(registry, through: score, now: clock.now) }
            try await settle(nextInTurn())
            try await cancelAgain()
            lastRound = began
        }
        try await countListeners()
    }

    private func tellUnreceived() {
        let now = clock.now
        tell(unreceived.map { DispatchEvent(attempt: $0, at: now, what: .forgotten("Redis never had it")) })
        unreceived = []
    }

    /// Looks for attempts whose answer was lost with the connection.
    private func settleUncertain() async throws(RedisError) {
        for (attempt, sight) in try await look(at: Array(uncertain.keys)) {
            guard let entry = uncertain.removeValue(forKey: attempt) else { continue }
            if sight.isNothing {
                let why = "the connection to Redis was lost on the way"
                let what: DispatchEvent.What = cancelling[attempt] == nil ? .unsent(why) : .cancelled(Outcome())
                cancelling[attempt] = nil
                tell([DispatchEvent(attempt: attempt, at: clock.now, what: what)])
            } else {
                add(entry)
                judge(entry, sight)
            }
        }
    }

    /// Finds attempts the registries tell something new of.
    private func readRegistries() async throws(RedisError) -> (
        attempts: [AttemptID], read: [(queue: String, registry: RegistryCursor.Registry, score: Int64)]
    ) {
        var commands: [RedisCommand] = []
        var sources: [(queue: String, registry: RegistryCursor.Registry?)] = []
        for (queue, book) in books {
            commands.append(RedisCommand("ZRANGE", "rq:wip:\(queue)", "0", "-1"))
            sources.append((queue, nil))
            for range in book.ranges(now: clock.now) {
                let key = range.registry == .failed ? "rq:failed:\(queue)" : "rq:finished:\(queue)"
                commands.append(
                    RedisCommand("ZRANGEBYSCORE", key, String(range.from), String(range.to), "WITHSCORES"))
                sources.append((queue, range.registry))
            }
        }
        guard !commands.isEmpty else { return ([], []) }
        var found: [AttemptID] = []
        var read: [(queue: String, registry: RegistryCursor.Registry, score: Int64)] = []
        for (answer, source) in zip(try await ask(commands), sources) {
            let words = answer.array ?? []
            guard let registry = source.registry else {
                // From rq 2 on an execution is named `job:execution`.
                let attempts = words.compactMap { $0.text?.split(separator: ":").first }
                    .compactMap { AttemptID(sentName: $0) }
                found += attempts.filter { entries[$0].map { !$0.startTold } ?? false }
                continue
            }
            for index in stride(from: 0, to: words.count - 1, by: 2) {
                if let attempt = words[index].text.flatMap({ AttemptID(sentName: $0) }), entries[attempt] != nil {
                    found.append(attempt)
                }
            }
            if let score = words.last?.text.flatMap({ Double($0) }), score.isFinite {
                read.append((source.queue, registry, Int64(score)))
            }
        }
        return (found, read)
    }

    /// Picks the attempts whose turn it is; they stand at the end of the line from now on.
    private func nextInTurn() -> [AttemptID] {
        var chosen: [AttemptID] = []
        for _ in 0..<rounds.count where chosen.count < Self.inTurn {
            guard let attempt = rounds.popFirst() else { break }
            guard entries[attempt] != nil else { continue }
            chosen.append(attempt)
            rounds.append(attempt)
        }
        return chosen
    }

    /// Looks at attempts and tells what is new of them.
    func settle(_ attempts: [AttemptID]) async throws(RedisError) {
        for (attempt, sight) in try await look(at: attempts) {
            // Its end may have been told while the server was asked.
            guard let entry = entries[attempt] else { continue }
            judge(entry, sight)
        }
    }

    func look(at attempts: [AttemptID]) async throws(RedisError) -> [(AttemptID, RQJobSnapshot)] {
        var seen: [(AttemptID, RQJobSnapshot)] = []
        for start in stride(from: 0, to: attempts.count, by: Self.inLook) {
            let part = attempts[start..<min(start + Self.inLook, attempts.count)]
            var command = RedisCommand.script(RQScripts.look, keys: [])
            for attempt in part { command.append(attempt.sentName) }
            let answers = try await ask([command])[0].array ?? []
            seen += zip(part, answers.map { RQJobSnapshot($0.array ?? []) })
        }
        return seen
    }

    /// Tells what a sighting means, and forgets what has ended.
    func judge(_ entry: RQEntry, _ sight: RQJobSnapshot) {
        let attempt = entry.attempt
        let now = clock.now
        // It would have been seen in the last round; a worker's clock that is behind must not ring a time-out.
        let floor = lastRound?.adding(microseconds: -Self.leeway) ?? .distantPast
        switch Verdict(sight, entry, isCancelled: cancelling[attempt] != nil) {
        case .waits: break
        case .started(let time):
            guard !entry.startTold else { return }
            entries[attempt]?.startTold = true
            tell([DispatchEvent(attempt: attempt, at: max(time ?? now, floor), what: .started(nil))])
        case .ended(let what, let startedAt, let endedAt):
            remove(attempt)
            let end = DispatchEvent(attempt: attempt, at: max(endedAt ?? now, floor), what: what)
            let start = startedAt.map { DispatchEvent(attempt: attempt, at: max($0, floor), what: .started(nil)) }
            tell((entry.startTold ? [] : [start].compactMap { $0 }) + [end])
        case .nothing:
            remove(attempt)
            let what: DispatchEvent.What =
                memory.isLost && !entry.startTold
                ? .forgotten("Redis came back without its memory")
                : .lost("its job and its guard are gone from Redis")
            tell([DispatchEvent(attempt: attempt, at: now, what: what)])
        }
    }
}
