import CarillonCore
import DequeModule
import Logging

/// Keeps a line to the bus, and makes there what jobs need.
extension BusDispatcher {
    /// Microseconds.
    private static var shortestWait: Int64 { 100_000 }
    private static var longestWait: Int64 { 5_000_000 }
    private static var pause: Int64 { 500_000 }

    public func run() async {
        var wishes = newWishes().makeAsyncIterator()
        while !isWanted || !hasAdopted { if await wishes.next() == nil { return } }
        var failures: Int64 = 0
        while !Task.isCancelled, !isShut {
            do {
                let line = try await connect()
                failures = 0
                took(line)
                try await use(line)
            } catch let error as BusError {
                await lost(error)
            } catch {
                return
            }
            if isShut { return }
            let wait = min(Self.longestWait, Self.shortestWait << min(failures, 10))
            failures += 1
            // A fifth more or less, so that many daemons do not come back as one.
            guard (try? await rest(wait * Int64.random(in: 80...120) / 100)) != nil else { return }
        }
    }

    /// Connects. However long that takes, no worker can be heard meanwhile.
    private func connect() async throws -> any BusLine {
        try await withThrowingTaskGroup(of: (any BusLine).self) { group in
            let bus = bus
            group.addTask { try await bus.connect() }
            group.addTask {
                while true { try await self.rest(Self.pause) }
            }
            defer { group.cancelAll() }
            guard let line = try await group.next() else { throw CancellationError() }
            return line
        }
    }

    private func rest(_ microseconds: Int64) async throws {
        var left = microseconds
        while left > 0 {
            tellUnheard()
            try await clock.sleep(for: min(left, Self.pause))
            left -= Self.pause
        }
    }

    /// Says of what is out, and whose workers nobody listens to, that its silence means nothing.
    private func tellUnheard() {
        tell(unheard: roster.outstanding { line == nil || places[$0].map { $0 != .ready } ?? false })
    }

    private func tell(unheard attempts: [AttemptID]) {
        let now = clock.now
        if !attempts.isEmpty { tell.yield(attempts.map { DispatchEvent(attempt: $0, at: now, what: .unheard) }) }
    }

    /// Begins to listen to wishes anew: a stream ends with the task that waits for it.
    private func newWishes() -> AsyncStream<Void> {
        let (wishes, wish) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.wish = wish
        if isShut { wish.finish() }
        return wishes
    }

    private func took(_ line: any BusLine) {
        if trouble != nil { logger.notice("the bus is there again", metadata: ["bus": "\(bus.address)"]) }
        trouble = nil
        self.line = line
        tellUnheard()
        clear()
        // A bus that was away may have lost everything.
        toDeclare = []
        for place in places.keys {
            places[place] = .wanted
            // Of these somebody may have told something meanwhile.
            if roster.isBusy(place.job) { toDeclare.append(place) } else { toDeclare.prepend(place) }
        }
    }

    private func lost(_ error: BusError) async {
        let old = line
        line = nil
        roster.forgetDeliveries()
        tellUnheard()
        for (place, standing) in places where standing == .ready { places[place] = .wanted }
        if !isShut, trouble == nil {
            logger.warning("the bus is out of reach", metadata: ["bus": "\(bus.address)", "error": "\(error)"])
        }
        trouble = error.message
        await old?.close()
    }

    /// Listens and declares until the line is lost.
    private func use(_ line: any BusLine) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await line.listen { await self.take($0) } }
            group.addTask { try await self.declareAll(on: line) }
            group.addTask { await self.cancelAll() }
            group.addTask { try await self.rest(.max) }
            defer { group.cancelAll() }
            try await group.next()
        }
        throw BusError("the connection was closed", isLost: true)
    }

    /// Sends cancels as they come to be owed, beside whoever listens.
    private func cancelAll() async {
        let (wishes, wish) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        cancelWish = wish
        if isShut { wish.finish() }
        var wished = wishes.makeAsyncIterator()
        repeat {
            await sendCancels()
            // A bus that takes nothing just now is asked again.
            while owedCancels.values.contains(where: { places[$0] == .ready }) {
                guard (try? await clock.sleep(for: Self.pause)) != nil else { return }
                await sendCancels()
            }
        } while await wished.next() != nil
    }

    private func declareAll(on line: any BusLine) async throws {
        var wishes = newWishes().makeAsyncIterator()
        do throws(BusError) {
            isMarkOwed = try await !line.isMarked()
        } catch {
            if error.isLost { throw error }
            // It cannot say it just now, in a cluster of which a node is down: nothing is known to be lost.
            isMarkOwed = false
        }
        if isMarkOwed, marks.wasLeft() { doubted.formUnion(roster.unstarted()) }
        repeat {
            // Of what was declared on an earlier line, some may have gone meanwhile.
            while let place = toDeclare.popLast() {
                if let standing = places[place], standing != .ready { try await declare(place, on: line) }
                try Task.checkCancellation()
            }
            if isMarkOwed, doubted.isEmpty, recalled.isEmpty { try await mark(line) }
        } while await wishes.next() != nil
        try Task.checkCancellation()
    }

    private func mark(_ line: any BusLine) async throws {
        isMarkOwed = false
        do throws(BusError) {
            try await line.mark()
            marks.note()
        } catch {
            if error.isLost { throw error }
            logger.warning(
                "a bus that loses its data will not be noticed once workers have declared their queues anew",
                metadata: ["bus": "\(bus.address)", "error": "\(error)"])
        }
    }

    private func declare(_ place: JobPlace, on line: any BusLine) async throws {
        do throws(BusError) {
            let isNew = try await line.declare(place, isSuspect: suspects.contains(place))
            suspects.remove(place)
            // Meanwhile its job may have got another.
            guard places[place] != nil else { return }
            tell(unheard: roster.outstanding(of: place.job))
            places[place] = .ready
            let waiting = isNew || !doubted.isEmpty ? roster.unstarted(of: place.job) : []
            let gone = waiting.filter { isNew || doubted.contains($0) }
            if !gone.isEmpty {
                roster.recall(gone)
                recalled.formUnion(gone)
                doubted.subtract(gone)
                let why = "what waited for its workers is gone from the bus"
                tell.yield(gone.map { DispatchEvent(attempt: $0, at: clock.now, what: .forgotten(why)) })
            }
            if !owedCancels.isEmpty { cancelWish?.yield() }
        } catch {
            if error.isLost {
                suspects.insert(place)
                throw error
            }
            guard places[place] != nil else { return }
            if places[place] != .faulty(error.message) {
                logger.warning(
                    "the bus does not take a job", metadata: ["job": "\(place.job)", "error": "\(error)"])
            }
            places[place] = .faulty(error.message)
        }
    }
}
