import AsyncHTTPClient
import CarillonCore
import CarillonEngine
import CarillonTestSupport
import ControlAPI
import Foundation
import MemoryStore
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Synchronization
import Testing
import Timetable

/// Streams of what goes on.
@Suite(.timeLimit(.minutes(5))) struct LiveTests {
    /// An event of a stream.
    struct Event {
        var id = ""
        var name = ""
        var data: [String: Any] = [:]
    }

    /// Reads events until there are so many, or the stream ends.
    private func events(
        _ rig: Rig, _ path: String, _ token: String, after id: String? = nil, count: Int,
        meanwhile: (Int) async throws -> Void = { _ in }
    ) async throws -> [Event] {
        let response = try await rig.stream(path, token, id.map { ["Last-Event-ID": $0] } ?? [:])
        #expect(response.status.code == 200)
        #expect(response.headers.first(name: "Content-Type") == "text/event-stream")
        var events: [Event] = []
        var text = ""
        for try await part in response.body {
            text += String(buffer: part)
            while let end = text.firstRange(of: "\n\n") {
                var event = Event()
                for line in text[..<end.lowerBound].split(separator: "\n") {
                    if line.hasPrefix("id: ") { event.id = String(line.dropFirst(4)) }
                    if line.hasPrefix("event: ") { event.name = String(line.dropFirst(7)) }
                    if line.hasPrefix("data: ") {
                        let data = Data(line.dropFirst(6).utf8)
                        event.data = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
                    }
                }
                text = String(text[end.upperBound...])
                if !event.name.isEmpty { events.append(event) }
                if events.count >= count { return events }
                try await meanwhile(events.count)
            }
        }
        return events
    }

    @Test func whatChangesIsTold() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        var asked = false
        let first = try await events(rig, "/api/v1/events", token, count: 2) { (_: Int) async throws -> Void in
            // The stream stands.
            if asked { return }
            asked = true
            let job = #"{"name":"report","cron":"0 9 * * *","bus":{}}"#
            #expect(try await rig.ask("POST", "/api/v1/jobs", token: token, body: job).status == 201)
            #expect(try await rig.ask("POST", "/api/v1/jobs/report/runs", token: token).status == 201)
        }
        #expect(first.map(\.name) == ["job", "run"])
        #expect(first.allSatisfy { $0.data["job"] as? String == "report" })
        #expect(first[1].data["trigger"] as? String == "manual")
        // It goes on after any of them, and says what came since.
        let again = try await events(rig, "/api/v1/events", token, after: first[0].id, count: 1)
        #expect(again.first?.id == first[1].id)
        let ofJobs = try await events(rig, "/api/v1/events?kind=run&after=\(first[0].id)", token, count: 1)
        #expect(ofJobs.first?.name == "run")
        // Of another process nothing is known, and whoever listens is told to look anew.
        let lost = try await events(rig, "/api/v1/events", token, after: "ff-7", count: 1)
        #expect(lost.first?.name == "reset")
        #expect(try await rig.ask("GET", "/api/v1/events?kind=x", token: token).status == 400)
        for place in ["a1-\(Int64.max)", "a1--2"] {
            let told = try await events(rig, "/api/v1/events", token, after: place, count: 1)
            #expect(told.first?.name == "reset", "\(place)")
        }
        // The place before the first one, as whoever listened from the beginning was told.
        let all = try await events(rig, "/api/v1/events", token, after: "a1--1", count: 2)
        #expect(all.map(\.id) == first.map(\.id))
        try await rig.stop()
    }

    @Test func whatIsNoLongerKeptIsSaid() throws {
        let log = EventLog(life: 1)
        for number in 0..<30_000 { log.note(.jobs(["\(number)"])) }
        #expect(log.kept == 20_000..<30_000)
        log.note(.jobs((0..<50_000).map { "\($0)" }))
        #expect(log.kept == 30_000..<40_000)
    }

    @Test func theTailOfAnEndedRunEnds() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        let job = #"{"name":"report","cron":"0 9 * * *","bus":{}}"#
        #expect(try await rig.ask("POST", "/api/v1/jobs", token: token, body: job).status == 201)
        let run = try await rig.ask("POST", "/api/v1/jobs/report/runs", token: token)
        let place = try #require(run.header("Location"))
        #expect(try await rig.ask("POST", place + "/cancel", token: token).status == 202)
        try await eventually("it is cancelled") {
            rig.clock.advance(by: 1_000_000)
            return try await rig.ask("GET", place, token: token).object["state"] as? String == "cancelled"
        }
        let told = try await events(rig, place + "/tail", token, count: 5)
        #expect(told.map(\.name) == ["end"])
        #expect(told.first?.data["state"] as? String == "cancelled")
        #expect(try await rig.ask("GET", "/api/v1/runs/ffffffffffffffffffffffff/tail", token: token).status == 404)
        try await rig.stop()
    }

    /// A character whose bytes come in two parts is told whole, and one that nobody ends is told at the end.
    @Test func aCharacterThatIsSplitComesWhole() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        let job = #"{"name":"report","cron":"0 9 * * *","bus":{}}"#
        #expect(try await rig.ask("POST", "/api/v1/jobs", token: token, body: job).status == 201)
        let run = try await rig.ask("POST", "/api/v1/jobs/report/runs", token: token)
        let id = try #require((run.object["run"] as? [String: Any])?["id"] as? String)
        guard case .runs(let views) = await rig.desk.handle(.run(id)), var view = views.first else {
            Issue.record("the run is not there")
            return
        }
        // The executor flushes in the middle of an o with an umlaut, and ends in the middle of a euro sign.
        let written = Array("a\u{f6}b\u{20ac}".utf8.dropLast())
        view.state = .failed
        let asked = Mutex(0)
        let desk: @Sendable (Order, Caller) async -> CarillonEngine.Reply = { [view] order, _ in
            guard case .output(_, let from) = order else { return .runs([view]) }
            let count = asked.withLock { count in
                count += 1
                return count
            }
            // Once before it streams, and once as far as the executor is.
            let end = count < 3 ? 2 : written.count
            let part = written[min(Int(from), end)..<end]
            return .output(Data(part).base64EncodedString(), next: Int64(end))
        }
        let endpoint = try #require(
            LiveAPI(EventLog(life: 1), rig.clock, desk).endpoints.first { $0.path.hasSuffix("/tail") })
        let call = Call(
            path: ["id": id], query: ["from": "1"], headers: [:], body: [], caller: Caller(channel: "test"), scopes: [])
        guard case .parts(let begin)? = try await endpoint.serve(call).body else {
            Issue.record("it is no stream")
            return
        }
        var parts = begin()
        var texts: [String] = []
        while let part = try await parts.next() { texts.append(String(decoding: part, as: UTF8.self)) }
        let told = texts.filter { $0.contains("event: output") }
        #expect(told.count == 2, "\(texts)")
        #expect(told.first?.contains("\u{f6}b") == true && told.last?.contains("\u{fffd}") == true, "\(texts)")
        #expect(texts.last?.contains("event: end") == true)
        try await rig.stop()
    }

    /// A stream is not for longer than the token that it was asked for with.
    @Test func aStreamEndsWithItsToken() async throws {
        let rig = try await Rig()
        let token = try await rig.token([.runsRead], name: "reader")
        let response = try await rig.stream("/api/v1/events", token)
        #expect(response.status.code == 200)
        let clock = rig.clock
        let driver = Task {
            while !Task.isCancelled {
                clock.advance(by: 1_000_000)
                try await Task.sleep(for: .milliseconds(1))
            }
        }
        var parts = response.body.makeAsyncIterator()
        // It stands, and says so from time to time.
        for _ in 0..<5 { #expect(try await parts.next() != nil) }
        _ = await rig.desk.handle(.revokeToken("reader"))
        while (try? await parts.next()) != nil {}
        driver.cancel()
        #expect(try await rig.ask("GET", "/api/v1/runs", token: token).status == 401)
        try await rig.stop()
    }

    @Test func whoLooksWhatOthersWriteEndsWhenTold() async throws {
        let (store, clock) = (MemoryStore(), ManualClock(now: Samples.noon))
        let watch = OthersWatch(EventLog(life: 1), store, clock, .silent)
        let group = ServiceGroup(configuration: .init(services: [watch], logger: .silent))
        async let over: Void = group.run()
        await clock.untilSleeping()
        await group.triggerGracefulShutdown()
        try await over
    }

    /// What another instance writes is told once, and what this one writes is left to itself.
    @Test func othersChangesAreFound() async throws {
        let store = MemoryStore()
        let log = EventLog(life: 1)
        var now = Samples.noon
        let (own, other) = (try await store.join("a"), try await store.join("b"))
        let jobs = ["one", "two"].map { JobChange.add(Samples.job($0), cursor: now, nextDue: nil, skips: []) }
        _ = try await store.apply(jobs, now: now)
        let stored = try await store.jobs(JobQuery(limit: 5))
        let id = try await store.storeID()
        func run(_ place: Int, _ instance: String, at time: Timestamp) -> Run {
            var run = Samples.run(stored[place], at: time, store: id, trigger: .backfill)
            run.instance = instance
            return run
        }
        var look = OthersLook(since: now)
        let before = run(0, "b", at: now)
        _ = try await store.openOrdered([before], under: other, now: now)
        // What was there before anybody listened is no news.
        #expect(try await look.next(store, now, log).isEmpty)
        now = now.plus(1)
        var ours = run(1, "a", at: now)
        var theirs = run(1, "b", at: now.plus(-1))
        log.note(.runs(try await store.openOrdered([ours], under: own, now: now).compactMap { $0 }))
        _ = try await store.openOrdered([theirs], under: other, now: now)
        func runs() async throws -> [Run] {
            var runs: [Run] = []
            for case .runs(let changed) in try await look.next(store, now, log) { runs += changed }
            return runs
        }
        #expect(try await runs().map(\.id) == [theirs.id])
        #expect(try await runs().isEmpty)
        // One that ends long after it was due is looked up by its id.
        now = now.plus(600)
        (theirs.state, theirs.endedAt) = (.failed, now)
        (ours.state, ours.endedAt) = (.completed, now)
        _ = try await store.record([theirs], under: other, now: now)
        _ = try await store.record([ours], under: own, now: now)
        log.note(.runs([ours]))
        let ended = try await runs()
        #expect(ended.map(\.id) == [theirs.id] && ended.first?.state == .failed)
        #expect(try await runs().isEmpty)
        // What was ordered elsewhere is in the trail, by whatever clock.
        now = now.plus(1)
        for (name, action) in [("one", "disable"), ("two", "run")] {
            try await store.audit(
                AuditEntry(at: now.plus(-5), user: "ann", channel: "api", action: action, subject: name), keep: .max / 2
            )
        }
        let told = try await look.next(store, now, log)
        guard case .jobs(let names)? = told.first else {
            Issue.record("\(told)")
            return
        }
        #expect(told.count == 1 && names == ["one"])
    }
}
