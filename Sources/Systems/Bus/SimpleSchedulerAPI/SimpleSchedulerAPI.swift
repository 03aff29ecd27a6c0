import BusDispatcher
import CarillonConfiguration
package import CarillonCore
package import CarillonEngine
package import ControlAPI
import Foundation
import Timetable

/// Simple Scheduler's own API: jobs whose work is done by workers on a bus, on an interval or once, and their runs.
package struct SimpleSchedulerAPI<Clock: EngineClock>: Sendable {
    private let store: any JobStore
    private let desk: @Sendable (Order, Caller) async -> Reply
    private let clock: Clock

    /// Rows that are read at once.
    private static var page: Int { 500 }

    package init(
        _ store: any JobStore, _ clock: Clock, _ desk: @escaping @Sendable (Order, Caller) async -> Reply
    ) {
        self.store = store
        self.clock = clock
        self.desk = desk
    }

    package var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/status", nil, "Whether it is there.", .json(Health.self)) { _ in
                Answer(200, Array(#"{"status":"OK"}"#.utf8))
            },
            Endpoint(.get, "/api/jobs", .jobsRead, "Every job.", .init(200, schema: .list(SeedJob.schema))) { _ in
                jobs()
            },
            Endpoint(.get, "/api/jobs/{name}", .jobsRead, "A job.", .init(200, schema: SeedJob.schema)) { call in
                let stored = try await shown(call["name"])
                return Answer(200, try Self.json(stored.seed))
            },
            Endpoint(
                .post, "/api/jobs", .jobsWrite, "Adds a job.", body: SeedJob.body,
                .init(201, schema: .object(nil, [.init("name", .text())]))
            ) { call in
                let job = try SeedJob.job(call, onto: nil, now: clock.now)
                try await order(.put(job, replacing: false), call)
                return Answer(201, try Self.json(JSONObject([("name", job.name)])))
            },
            Endpoint(
                .patch, "/api/jobs/{name}", .jobsWrite, "Changes what is given of a job.", body: SeedJob.change, .empty
            ) { call in
                let (stored, _) = try await shown(call["name"])
                let job = try SeedJob.job(call, onto: stored, now: clock.now)
                try await order(.put(job, replacing: true, revision: stored.revision), call)
                // Whoever enables it means it, whatever an order has laid upon it.
                if job.enabled, !stored.job.isOn, try call.node()["enabled"] != nil {
                    try await order(.enable(job.name, true), call)
                }
                return Answer(204)
            },
            Endpoint(.delete, "/api/jobs/{name}", .jobsWrite, "Removes a job.", .empty) { call in
                let (stored, _) = try await shown(call["name"])
                guard stored.job.origin.feed == Origin.orders.feed else {
                    throw APIError(
                        409, "refused", "\(stored.job.name) belongs to \(stored.job.origin); it is removed there")
                }
                try await order(.delete(stored.job.name), call)
                return Answer(204)
            },
            Endpoint(
                .get, "/api/runs", .runsRead, "Runs, the newest first.",
                query: [
                    .init("jobName", "Of this job alone."), .init("status", "In this state."),
                    .init("createdBefore", "A time, or nothing."), .init("startedBefore", "A time, or nothing."),
                    .init("heartbeatBefore", "A time, or nothing."),
                ], .init(200, schema: .list(SeedRun.schema))
            ) { call in runs(try RunFilter(call.query)) },
            Endpoint(.get, "/api/runs/{id}", .runsRead, "A run.", .init(200, schema: SeedRun.schema)) { call in
                Answer(200, try Self.json(SeedRun(try await run(call["id"]))))
            },
            // The original's clients get it.
            Endpoint(.get, "/api/runs/{id}/cancel", .runsWrite, "Cancels a run.", .empty, serve: cancel),
            Endpoint(.post, "/api/runs/{id}/cancel", .runsWrite, "Cancels a run.", .empty, serve: cancel),
        ]
    }

    private struct Health: Decodable {
        var status: String
    }

    private static func json(_ value: some Encodable) throws -> [UInt8] {
        try CanonicalJSON.encode(value, escapingSlashes: false)
    }

    private func order(_ order: Order, _ call: Call) async throws {
        if case .failed(let code, let message) = await desk(order, call.caller) { throw APIError(code, message) }
    }

    private func shown(_ name: String) async throws -> (stored: StoredJob, seed: SeedJob) {
        guard let stored = try await store.job(named: Job.canonical(name)), let seed = SeedJob(stored) else {
            throw APIError.unknown("there is no job '\(name)'")
        }
        return (stored, seed)
    }

    private func run(_ text: String) async throws -> Run {
        guard let id = RunID(text), let run = try await store.run(id) else {
            throw APIError.unknown("there is no run '\(text)'")
        }
        return run
    }

    @Sendable private func cancel(_ call: Call) async throws -> Answer {
        let run = try await run(call["id"])
        guard !run.state.isFinal else {
            throw APIError.bad("run \(run.id) has ended already: \(run.state.rawValue)")
        }
        try await order(.cancel(run.id.description), call)
        return Answer(204)
    }

    // MARK: Lists

    /// Written page by page, as there may be a million.
    private func jobs() -> Answer {
        list { [store] after in
            let page = try await store.jobs(after: after, limit: Self.page)
            let parts = try page.compactMap { try SeedJob($0).map(Self.json) }
            return (parts, page.count < Self.page ? nil : page.last?.job.name)
        }
    }

    private func runs(_ filter: RunFilter) -> Answer {
        list { [store] (after: RunPlace?) in
            var query = filter.query
            query.limit = Self.page
            query.after = after
            let page = try await store.runs(query)
            let parts = try page.filter(filter.matches).map { try Self.json(SeedRun($0)) }
            return (parts, page.count < Self.page ? nil : page.last.map { RunPlace($0) })
        }
    }

    /// Makes a list of pages, each of which says where the next one begins.
    private func list<Place: Sendable>(
        _ page: @escaping @Sendable (Place?) async throws -> (parts: [[UInt8]], next: Place?)
    ) -> Answer {
        var answer = Answer(200)
        answer.body = .parts { Pages(page) }
        return answer
    }
}

/// A JSON array, page by page.
private struct Pages<Place: Sendable>: AsyncIteratorProtocol, Sendable {
    private let page: @Sendable (Place?) async throws -> (parts: [[UInt8]], next: Place?)
    private var place: Place?
    private var isBegun = false
    private var isOver = false

    init(_ page: @escaping @Sendable (Place?) async throws -> (parts: [[UInt8]], next: Place?)) { self.page = page }

    mutating func next() async throws -> [UInt8]? {
        if isOver { return nil }
        try Task.checkCancellation()
        var bytes: [UInt8] = []
        while true {
            let (parts, next) = try await page(place)
            for part in parts {
                bytes.append(UInt8(ascii: isBegun ? "," : "["))
                isBegun = true
                bytes += part
            }
            place = next
            guard next == nil || !bytes.isEmpty else { continue }
            isOver = next == nil
            if isOver { bytes += (isBegun ? "]" : "[]").utf8 }
            return bytes
        }
    }
}

/// Which runs somebody wants to see.
private struct RunFilter: Sendable {
    var query = RunQuery()
    private var createdBefore: Timestamp?
    private var startedBefore: Timestamp?
    private var heartbeatBefore: Timestamp?

    init(_ asked: [String: String]) throws {
        func time(_ key: String) throws -> Timestamp? {
            guard let text = asked[key], !text.isEmpty else { return nil }
            guard let time = Timestamp(rfc3339: text) else {
                throw APIError.bad("\(key): expected a time such as 2026-11-22T19:00:00Z", key)
            }
            return time
        }
        query.job = asked["jobName"].flatMap { $0.isEmpty ? nil : Job.canonical($0) }
        if let word = asked["status"], !word.isEmpty {
            guard let state = RunState(rawValue: word), state != .skipped else {
                throw APIError.bad(
                    "status: expected pending, running, cancelling, cancelled, completed or failed, found \(word)",
                    "status")
            }
            query.states = [state]
        }
        createdBefore = try time("createdBefore")
        startedBefore = try time("startedBefore")
        heartbeatBefore = try time("heartbeatBefore")
    }

    /// Never what was skipped.
    @Sendable func matches(_ run: Run) -> Bool {
        func isBefore(_ time: Timestamp?, _ end: Timestamp?) -> Bool {
            end.map { end in time.map { $0 < end } ?? false } ?? true
        }
        return run.state != .skipped && isBefore(run.createdAt, createdBefore) && isBefore(run.startedAt, startedBefore)
            && isBefore(run.heartbeatAt, heartbeatBefore)
    }
}
