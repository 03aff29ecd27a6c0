import BusDispatcher
import CarillonCore
import CarillonEngine
import CarillonTestSupport
import ControlAPI
import Foundation
import MemoryStore
import Testing
import Timetable

/// The API that Simple Scheduler's clients know, status by status.
@Suite(.timeLimit(.minutes(5))) struct SimpleSchedulerAPITests {
    /// What its own command line posts: 0 for every flag that was not given, and a sign of life.
    private static let posted = """
        {"name":"report","enabled":true,"nextRunAt":"2026-11-01T13:00:00Z","interval":3600000,"runExecutionTimeout":0,
        "runStartTimeout":0,"maxQueueCount":0,"allowConcurrentRuns":false,"heartbeatTimeout":0,
        "heartbeat":"0001-01-01T00:00:00Z","managerId":"000000000000000000000000"}
        """

    @Test func itsWholeTable() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        let status = try await rig.ask("GET", "/api/status")
        #expect(status.status == 200)
        #expect(status.text == #"{"status":"OK"}"#)
        #expect(try await rig.ask("GET", "/api/jobs", token: token).text == "[]")

        let added = try await rig.ask("POST", "/api/jobs", token: token, body: Self.posted)
        #expect(added.status == 201)
        #expect(added.text == #"{"name":"report"}"#)
        let again = try await rig.ask("POST", "/api/jobs", token: token, body: Self.posted)
        #expect(again.status == 409)
        #expect(again.object["error"] as? String == again.object["detail"] as? String)

        let job = try await rig.ask("GET", "/api/jobs/report", token: token)
        #expect(job.status == 200)
        #expect(job.object["interval"] as? Int == 3_600_000)
        #expect(job.object["allowConcurrentRuns"] as? Bool == false)
        #expect(job.object["runStartTimeout"] as? Int == 0)
        #expect(try await rig.ask("GET", "/api/jobs", token: token).list.map { $0["name"] as? String } == ["report"])

        let patched = try await rig.ask(
            "PATCH", "/api/jobs/report", token: token, body: #"{"runStartTimeout":5000,"allowConcurrentRuns":true}"#)
        #expect(patched.status == 204)
        let changed = try await rig.ask("GET", "/api/jobs/report", token: token).object
        #expect(changed["runStartTimeout"] as? Int == 5_000)
        #expect(changed["allowConcurrentRuns"] as? Bool == true)
        #expect(changed["interval"] as? Int == 3_600_000)
        #expect(changed["nextRunAt"] as? String == job.object["nextRunAt"] as? String)

        _ = await rig.desk.handle(.start("report"))
        let runs = try await rig.ask("GET", "/api/runs?jobName=report&status=pending", token: token).list
        let id = try #require(runs.first?["id"] as? String)
        #expect(runs.count == 1)
        #expect(runs[0]["jobName"] as? String == "report")
        #expect(runs[0]["startTime"] == nil)
        #expect(try await rig.ask("GET", "/api/runs/\(id)", token: token).object["status"] as? String == "pending")
        #expect(try await rig.ask("GET", "/api/runs/\(id)/cancel", token: token).status == 204)
        try await eventually("it is cancelled") {
            rig.clock.advance(by: 1_000_000)
            return try await rig.ask("GET", "/api/runs/\(id)", token: token).object["status"] as? String == "cancelled"
        }
        let late = try await rig.ask("POST", "/api/runs/\(id)/cancel", token: token)
        #expect(late.status == 400)
        #expect((late.object["error"] as? String)?.contains("has ended already") == true)

        #expect(try await rig.ask("DELETE", "/api/jobs/report", token: token).status == 204)
        for path in ["/api/jobs/report", "/api/runs/000000000000000000000000", "/api/nothing"] {
            let missing = try await rig.ask("GET", path, token: token)
            #expect(missing.status == 404)
            #expect(missing.object["error"] is String, "\(path)")
        }
        try await rig.stop()
    }

    /// What was posted is when it runs first; what is given back unchanged changes nothing.
    @Test func theNextRunIsTheOneThatWasAskedFor() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        let first = rig.clock.now.plus(5_400).rfc3339
        let body = #"{"name":"later","nextRunAt":"\#(first)","interval":3600000}"#
        #expect(try await rig.ask("POST", "/api/jobs", token: token, body: body).status == 201)
        for _ in 0..<2 {
            let job = try await rig.ask("GET", "/api/jobs/later", token: token)
            #expect(job.object["nextRunAt"] as? String == first)
            #expect(try await rig.ask("PATCH", "/api/jobs/later", token: token, body: job.text).status == 204)
        }
        // At once, and not over already.
        let now = #"{"name":"now","nextRunAt":"\#(rig.clock.now.rfc3339)","interval":0}"#
        #expect(try await rig.ask("POST", "/api/jobs", token: token, body: now).status == 201)
        #expect(try await rig.ask("GET", "/api/jobs/now", token: token).object["nextRunAt"] is String)
        // Enabled is enabled, whatever an order said before.
        _ = await rig.desk.handle(.enable("later", false))
        #expect(try await rig.ask("PATCH", "/api/jobs/later", token: token, body: #"{"enabled":true}"#).status == 204)
        #expect(try await rig.ask("GET", "/api/jobs/later", token: token).object["enabled"] as? Bool == true)
        try await rig.stop()
    }

    @Test(arguments: [
        ("{", "no JSON"), ("[]", "table"), ("{}", "name: is missing"),
        (#"{"name":"a","interval":1000,"colour":"red"}"#, "colour"),
        (#"{"name":"a","interval":"soon"}"#, "interval: expected a whole number"),
        (#"{"name":"a","interval":-1}"#, "interval"), (#"{"name":"a"}"#, "nextRunAt: is missing"),
        (#"{"name":"a","interval":1000,"nextRunAt":"tomorrow"}"#, "nextRunAt: expected a time"),
        (#"{"name":"","interval":1000}"#, "name"), (#"{"name":"a\u0007","interval":1000}"#, "control"),
        (#"{"name":"a","interval":1000,"maxQueueCount":1.5}"#, "maxQueueCount"),
    ])
    func aBodyThatIsWrongNamesItsField(_ body: String, _ words: String) async throws {
        let rig = try await Rig()
        let reply = try await rig.ask("POST", "/api/jobs", token: try await rig.token(Scope.all), body: body)
        #expect(reply.status == 400, "\(reply.text)")
        #expect((reply.object["error"] as? String)?.contains(words) == true, "\(reply.text)")
        #expect(try await rig.store.counts().jobs == 0)
        try await rig.stop()
    }

    /// Jobs that its clients would not understand are not there for them.
    @Test func itShowsJobsOnABusAlone() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        _ = await rig.desk.handle(.put(Samples.job("other", feed: Origin.orders.feed, source: ""), replacing: false))
        #expect(try await rig.ask("GET", "/api/jobs", token: token).text == "[]")
        #expect(try await rig.ask("DELETE", "/api/jobs/other", token: token).status == 404)
        #expect(try await rig.store.job(named: "other") != nil)
        try await rig.stop()
    }

    @Test func namesAreOfAnyLetters() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        let name = "a/b ü?"
        let body = #"{"name":"\#(name)","interval":1000}"#
        #expect(try await rig.ask("POST", "/api/jobs", token: token, body: body).status == 201)
        let path = "/api/jobs/a%2Fb%20%C3%BC%3F"
        #expect(try await rig.ask("GET", path, token: token).object["name"] as? String == name)
        #expect(try await rig.ask("DELETE", path, token: token).status == 204)
        #expect(try await rig.ask("GET", "/api/jobs/%FF", token: token).status == 404)
        // Decoded once.
        let tricky = #"{"name":"100%41","interval":1000}"#
        #expect(try await rig.ask("POST", "/api/jobs", token: token, body: tricky).status == 201)
        #expect(try await rig.ask("GET", "/api/jobs/100%2541", token: token).object["name"] as? String == "100%41")
        try await rig.stop()
    }

    /// Lists are written page by page, and nothing comes twice or is left out.
    @Test func listsAreWhole() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        let changes = (0..<1_203).map { number in
            JobChange.add(
                Job(
                    name: "job \(number)", schedule: ScheduleText(.every("1d", anchor: Samples.noon)),
                    target: Target(kind: BusTarget.kind, summary: "", body: "{}"), origin: .orders),
                cursor: Samples.noon, nextDue: nil, skips: [])
        }
        _ = try await rig.store.apply(changes, by: nil, now: Samples.noon)
        let names = try await rig.ask("GET", "/api/jobs", token: token).list.compactMap { $0["name"] as? String }
        #expect(names.count == 1_203)
        #expect(Set(names).count == 1_203)
        let stored = try await rig.store.jobs(after: nil, limit: 9)
        let one = try #require(stored.first)
        let term = try await rig.store.join("filler")
        let runs: [Run] = (0..<1_203).map { number in
            let time = Samples.noon.plus(Int64(number / 7))
            return Run(
                id: RunID(manualAt: time, random: UInt64(number)), jobID: one.id, job: one.job.name,
                revision: one.revision, trigger: .manual, scheduledAt: time, createdAt: Samples.noon)
        }
        _ = try await rig.store.openOrdered(runs, under: term, now: Samples.noon)
        let listed = try await rig.ask("GET", "/api/runs", token: token).list.compactMap { $0["id"] as? String }
        #expect(listed.count == 1_203)
        #expect(Set(listed).count == 1_203)
        let none = try await rig.ask("GET", "/api/runs?startedBefore=2030-01-01T00:00:00Z", token: token)
        #expect(none.text == "[]")
        try await rig.stop()
    }
}
