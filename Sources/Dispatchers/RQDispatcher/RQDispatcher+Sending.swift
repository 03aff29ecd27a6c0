import CarillonCore
import RedisClient
import Timetable

/// Runs on their way into Redis: scripts of some hundred runs, a few of them at once.
extension RQDispatcher {
    public func dispatch(_ batch: [Dispatch]) async -> [DispatchResult] {
        await send(batch.indices) { RQCall(batch[$0]) }
    }

    /// Like `dispatch`, for calls that somebody else has written.
    public func enqueue(_ calls: [RQCall]) async -> [DispatchResult] { await send(calls.indices) { calls[$0] } }

    /// One result for each number; `call` is asked once for each, in order.
    private func send(_ numbers: Range<Int>, _ call: (Int) -> RQCall?) async -> [DispatchResult] {
        await withTaskGroup(of: Result<[RedisValue], RedisError>.self) { group in
            var results: [DispatchResult] = []
            results.reserveCapacity(numbers.count)
            // A short one first: the server has nothing to do until it comes.
            var sent = parcel(numbers, scripts: 1, call)
            group.addTask { [sent] in await self.answers(to: sent.commands) }
            while !sent.numbers.isEmpty {
                // Answers are read, and calls are written, while the server has something to do.
                let next = parcel(sent.numbers.upperBound..<numbers.upperBound, scripts: Self.inParcel, call)
                guard let answers = await group.next() else { break }
                if !next.numbers.isEmpty { group.addTask { await self.answers(to: next.commands) } }
                results += read(answers, sent)
                sent = next
            }
            return results
        }
    }

    /// Scripts on their way at once: enough that the server never waits for the next.
    private static let inParcel = 4
    /// Bytes of calls after which a script ends, however few they are.
    private static let mostBytes = 4 << 20

    /// Runs as the commands that enqueue them, one for each batch.
    private struct Parcel: Sendable {
        var numbers: Range<Int>
        var commands: [RedisCommand] = []
        /// By script; nil for what is no target of this dispatcher.
        var entries: [[RQEntry?]] = []
    }

    /// As many of these runs as go at once, from the first on.
    private func parcel(_ numbers: Range<Int>, scripts: Int, _ call: (Int) -> RQCall?) -> Parcel {
        let made = RQTime.text(clock.now)
        var parcel = Parcel(numbers: numbers)
        var rest = numbers
        while !rest.isEmpty, parcel.commands.count < scripts {
            var command = RedisCommand.script(RQScripts.enqueue, keys: [])
            var entries: [RQEntry?] = []
            var bytes = 0
            while let number = rest.first, entries.count < configuration.batch, bytes < Self.mostBytes {
                entries.append(call(number).map { add($0, made, to: &command, &bytes) })
                rest = rest.dropFirst()
            }
            parcel.commands.append(command)
            parcel.entries.append(entries)
        }
        parcel.numbers = numbers.lowerBound..<rest.lowerBound
        return parcel
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
        return entry
    }

    /// One answer for each script; a failure when nobody knows of any.
    private func answers(to commands: [RedisCommand]) async -> Result<[RedisValue], RedisError> {
        do throws(RedisError) {
            return .success(try await ask(commands, throwing: false))
        } catch {
            return .failure(error)
        }
    }

    private func read(_ answers: Result<[RedisValue], RedisError>, _ parcel: Parcel) -> [DispatchResult] {
        switch answers {
        case .success(let values): return zip(values, parcel.entries).flatMap { read($0, $1) }
        case .failure(let error) where Self.neverSent.contains(error.code):
            return parcel.numbers.map { _ in .away(describe(error)) }
        case .failure:
            // The next look tells whether Redis has them; until then they count as sent.
            for entry in parcel.entries.joined() { if let entry { uncertain[entry.attempt] = entry } }
            return parcel.entries.joined().map { $0 == nil ? .refused(Self.noTarget) : .accepted }
        }
    }

    private static let noTarget = "its target is none of RQ's"
    /// With these no command reached the server.
    private static let neverSent: [RedisError.Code] = [.unreachable, .refused, .badAddress]

    /// A script that answers an error has written nothing.
    private func read(_ answer: RedisValue, _ entries: [RQEntry?]) -> [DispatchResult] {
        guard let values = answer.array else {
            let why = answer.error.map(describe) ?? "Redis gave an answer of another kind"
            return entries.map { $0 == nil ? .refused(Self.noTarget) : .away(why) }
        }
        var rest = values.makeIterator()
        return entries.map { entry in
            guard let entry else { return .refused(Self.noTarget) }
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
