public import CarillonCore
import RedisClient
import Timetable

extension RQDispatcher {
    /// Microseconds a worker gets at least to end a job: it kills the process outright, but must hear of it first.
    private static let leastGrace: Int64 = 10_000_000

    public func cancel(_ attempt: AttemptID, grace: Int64) async {
        guard entries[attempt] != nil || adopted[attempt] != nil || uncertain[attempt] != nil else { return }
        cancelling[attempt] = max(grace, Self.leastGrace)
        // Out of reach, it is asked again later.
        _ = try? await ask(toEnd: [attempt].filter { entries[$0] != nil })
    }

    /// Asks for every end that has not come yet, and gives up those that were waited for long enough.
    func cancelAgain() async throws(RedisError) {
        try await ask(toEnd: cancelling.keys.filter { entries[$0] != nil })
        let now = clock.now
        for attempt in Array(cancelling.keys) {
            guard let end = entries[attempt]?.givenUpAt, end <= now else { continue }
            remove(attempt)
            let why = "it was told to stop, and its worker did not answer"
            tell([DispatchEvent(attempt: attempt, at: now, what: .lost(why))])
        }
    }

    private func ask(toEnd attempts: [AttemptID]) async throws(RedisError) {
        guard !attempts.isEmpty else { return }
        let commands = attempts.map { attempt in
            var command = RedisCommand.script(RQScripts.cancel, keys: [])
            command.append(attempt.sentName)
            return command
        }
        for (attempt, answer) in zip(attempts, try await ask(commands)) {
            switch answer.text {
            case "removed":
                guard remove(attempt) != nil else { continue }
                tell([DispatchEvent(attempt: attempt, at: clock.now, what: .cancelled(Outcome()))])
            case "told", "taken":
                guard let grace = cancelling[attempt], entries[attempt]?.givenUpAt == nil else { continue }
                entries[attempt]?.givenUpAt = clock.now.adding(microseconds: grace)
            default: break
            }
        }
    }
}
