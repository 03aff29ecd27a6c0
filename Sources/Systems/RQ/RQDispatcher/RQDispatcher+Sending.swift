public import CarillonCore
import RedisClient
package import Timetable

/// Runs on their way into Redis: scripts of some hundred runs, a few of them at once.
extension RQDispatcher {
    public func dispatch(_ batch: [Dispatch<RQTarget>]) async -> [DispatchResult] {
        await send(batch.indices) { RQCall(batch[$0]) }
    }

    /// Enqueues like `dispatch`, for calls that somebody else has written.
    public func enqueue(_ calls: [RQCall]) async -> [DispatchResult] { await send(calls.indices) { calls[$0] } }

    /// Sends calls, one result for each number; `call` is asked once for each, in order.
    private func send(_ numbers: Range<Int>, _ call: (Int) -> RQCall) async -> [DispatchResult] {
        await withTaskGroup(of: (place: Int, answer: Result<RedisValue, RedisError>).self) { group in
            var scripts: [Script] = []
            var results: [[DispatchResult]] = []
            var rest = numbers
            var unanswered = 0
            repeat {
                // Answers are read, and calls are written, while the server has something to do.
                while !rest.isEmpty, unanswered < Self.onTheirWay {
                    // A short one first: the server has nothing to do until it comes.
                    let most = scripts.isEmpty ? configuration.batch / 10 : configuration.batch
                    let (script, command) = script(rest, most: max(1, most), call)
                    rest = script.numbers.upperBound..<rest.upperBound
                    let place = scripts.count
                    scripts.append(script)
                    results.append([])
                    unanswered += 1
                    // At once, as far as the connection: runs stand in their queue in the order of their times.
                    group.addImmediateTask { [server] in (place, await Self.answer(to: command, of: server)) }
                }
                guard let (place, answer) = await group.next() else { break }
                unanswered -= 1
                results[place] = read(answer, scripts[place])
            } while unanswered > 0 || !rest.isEmpty
            if isLate { await readClock() }
            return Array(results.joined())
        }
    }

    /// Scripts on their way at once: enough that the server never waits for the next.
    private static let onTheirWay = 6
    /// Bytes of calls after which a script ends, however few they are.
    private static let mostBytes = 4 << 20

    /// Runs that one script enqueues.
    private struct Script {
        var numbers: Range<Int>
        var entries: [RQEntry] = []
    }

    /// Takes as many of these runs as go together, from the first on, and makes the command that enqueues them.
    private func script(
        _ numbers: Range<Int>, most: Int, _ call: (Int) -> RQCall
    ) -> (Script, RedisCommand) {
        let made = RQTime.text(clock.now)
        var script = Script(numbers: numbers)
        var command = RedisCommand.script(RQScripts.enqueue, keys: [])
        var bytes = 0
        for number in numbers.prefix(most) {
            guard bytes < Self.mostBytes else { break }
            script.entries.append(add(call(number), made, to: &command, &bytes))
        }
        if let time = facts.sendBy { command.append(Int(time)) }
        script.numbers = numbers.prefix(script.entries.count)
        return (script, command)
    }

    private func add(_ call: RQCall, _ made: String, to command: inout RedisCommand, _ bytes: inout Int) -> RQEntry {
        let entry = RQEntry(call.attempt, queue: configuration.queue(call.queue), resultTTL: call.resultTTL)
        bytes += call.data.count
        command.append(call.attempt.sentName)
        command.append(entry.queue)
        command.append(call.data)
        command.append(made)
        command.append(call.description)
        command.append(Int(call.timeout))
        command.append(Int(call.resultTTL))
        command.append(entry.guardText)
        command.append(RQMeta.bytes(of: call.attempt, call.serializer))
        return entry
    }

    /// Sends a command; a failure when nobody knows of any answer.
    private nonisolated(nonsending) static func answer(
        to command: RedisCommand, of server: any RedisServer
    ) async -> Result<RedisValue, RedisError> {
        do throws(RedisError) {
            return .success(try await server.send([command])[0])
        } catch {
            return .failure(error)
        }
    }

    private func read(_ answer: Result<RedisValue, RedisError>, _ script: Script) -> [DispatchResult] {
        switch answer {
        case .success(let value):
            note(value.error)
            if value.error?.message.contains(RQScripts.lateAnswer) ?? false { isLate = true }
            return read(value, script.entries)
        case .failure(let error) where Self.neverSent.contains(error.code):
            note(error)
            return script.numbers.map { _ in .away(describe(error)) }
        case .failure(let error):
            note(error)
            // The next look tells whether Redis has them; until then they count as sent.
            return script.entries.map { entry in
                uncertain[entry.attempt] = entry
                return .accepted
            }
        }
    }

    /// Takes in what the server's clock says now.
    package func noteServerClock(_ time: Timestamp) { facts.note(time: time.seconds) }

    /// Reads the server's clock: it may have been set since it was read.
    private func readClock() async {
        isLate = false
        guard let answer = try? await server.send([RedisCommand("TIME")]).first,
            let seconds = answer.array?.first?.text.flatMap({ Int64($0) })
        else { return }
        facts.note(time: seconds)
    }

    /// With these no command reached the server.
    private static let neverSent: [RedisError.Code] = [.unreachable, .refused, .badAddress]

    /// Reads a script's answer; one that answers an error has written nothing.
    private func read(_ answer: RedisValue, _ entries: [RQEntry]) -> [DispatchResult] {
        guard let values = answer.array else {
            let why = answer.error.map(describe) ?? "Redis gave an answer of another kind"
            return entries.map { _ in .away(why) }
        }
        var rest = values.makeIterator()
        return entries.map { entry in
            switch rest.next() {
            case .integer(1)?:
                add(entry)
                return .accepted
            case .integer?:
                if self.entries[entry.attempt] == nil { add(entry) }
                repeated.append(entry.attempt)
                return .known
            case let other: return .refused(other?.text ?? other?.error?.message ?? "no answer")
            }
        }
    }
}
