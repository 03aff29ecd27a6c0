import CarillonCore
import CarillonEngine
import CarillonTestSupport
import ControlAPI
import Foundation
import MemoryStore
import Testing
import Timetable

/// The API under /api/v1.
@Suite(.timeLimit(.minutes(5))) struct CarillonAPITests {
    private static let cron =
        #"{"name":"report","cron":"0 9 * * *","time_zone":"Europe/Berlin","bus":{},"tags":["eu"]}"#

    @Test func whoAsksAgainUnderAKeyIsAnsweredTheSameRun() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        #expect(try await rig.ask("POST", "/api/v1/jobs", token: token, body: Self.cron).status == 201)
        func run(_ key: String?) async throws -> (status: Int, id: String?) {
            let reply = try await rig.ask(
                "POST", "/api/v1/jobs/report/runs", token: token, headers: key.map { ["Idempotency-Key": $0] } ?? [:])
            return (reply.status, (reply.object["run"] as? [String: Any])?["id"] as? String)
        }
        let first = try await run("a")
        #expect(first.status == 201)
        for _ in 0..<2 { #expect(try await run("a") == (200, first.id)) }
        let other = try await run("b")
        #expect(other.status == 201 && other.id != first.id)
        #expect(try await run(nil).status == 201)
        #expect(try await run(String(repeating: "k", count: 256)).status == 400)
        // Many at once are one.
        let ids = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<20 { group.addTask { try await run("c").id } }
            return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        try await rig.stop()
    }

    @Test func aJobFromItsFirstDefinitionToItsEnd() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        let added = try await rig.ask("POST", "/api/v1/jobs", token: token, body: Self.cron)
        #expect(added.status == 201, "\(added.text)")
        #expect(added.object["cron"] as? String == "0 9 * * *")
        let job = try await rig.ask("GET", "/api/v1/jobs/report", token: token)
        #expect(job.object["english"] as? String == "at 09:00 every day (Europe/Berlin)")
        #expect(job.object["timeZone"] as? String == "Europe/Berlin")

        let definition = try await rig.ask("GET", "/api/v1/jobs/report/definition", token: token)
        let tag = try #require(definition.header("ETag"))
        var changed = definition.object
        changed["cron"] = "30 9 * * *"
        let body = String(decoding: try JSONSerialization.data(withJSONObject: changed), as: UTF8.self)
        let path = "/api/v1/jobs/report/definition"
        let put = try await rig.ask("PUT", path, token: token, body: body, headers: ["If-Match": tag])
        #expect(put.status == 200, "\(put.text)")
        #expect(put.header("ETag") != tag)
        // Whoever did not see that one may not overwrite it.
        #expect(try await rig.ask("PUT", path, token: token, body: body, headers: ["If-Match": tag]).status == 412)
        #expect(try await rig.ask("PUT", "/api/v1/jobs/x/definition", token: token, body: body).status == 400)

        let started = try await rig.ask("POST", "/api/v1/jobs/report/runs", token: token)
        #expect(started.status == 201, "\(started.text)")
        let run = try #require(started.header("Location"))
        let shown = try await rig.ask("GET", run, token: token)
        #expect(shown.object["job"] as? String == "report")
        #expect(shown.object["trigger"] as? String == "manual")
        #expect(try await rig.ask("POST", run + "/cancel", token: token).status == 202)
        try await eventually("it is cancelled") {
            rig.clock.advance(by: 1_000_000)
            return try await rig.ask("GET", run, token: token).object["state"] as? String == "cancelled"
        }
        #expect(try await rig.ask("POST", run + "/cancel", token: token).status == 409)
        #expect(
            try await rig.ask("GET", run + "/log", token: token).header("Content-Type")?.hasPrefix("text/plain") == true
        )

        let disabled = try await rig.ask("POST", "/api/v1/jobs/report/disable", token: token)
        #expect((disabled.object["message"] as? String)?.isEmpty == false, "\(disabled.text)")
        let why = try await rig.ask("GET", "/api/v1/jobs/report/why?at=2026-11-20T08:30:00Z", token: token)
        #expect(why.object["lines"] is [String])
        #expect(try await rig.ask("DELETE", "/api/v1/jobs/report", token: token).status == 204)
        let gone = try await rig.ask("GET", "/api/v1/jobs/report", token: token)
        #expect(gone.status == 404)
        #expect(gone.header("Content-Type") == "application/problem+json")
        #expect(gone.object["status"] as? Int == 404)
        let audit = try await rig.ask("GET", "/api/v1/audit?subject=report", token: token)
        let actions = (audit.object["items"] as? [[String: Any]] ?? []).compactMap { $0["action"] as? String }
        #expect(actions.contains("add") && actions.contains("update") && actions.contains("delete"))
        try await rig.stop()
    }

    /// Whoever may write jobs may not run what they like on the machine.
    @Test func programsNeedTheSettingAndTheScope() async throws {
        let program = #"{"name":"p","every":"1h","exec":["/bin/true"]}"#
        for (takesPrograms, scopes, status, code) in [
            (false, Scope.all, 403, "no-programs"), (true, [Scope.jobsWrite], 403, "missing-scopes"),
            (true, [.jobsWrite, .execWrite], 201, nil as String?),
        ] {
            let rig = try await Rig(takesPrograms: takesPrograms)
            let token = try await rig.token(scopes)
            let reply = try await rig.ask("POST", "/api/v1/jobs", token: token, body: program)
            #expect(reply.status == status, "\(reply.text)")
            #expect(reply.object["code"] as? String == code)
            // Nor by a change of another kind of job.
            let bus = #"{"name":"q","every":"1h","bus":{}}"#
            #expect(try await rig.ask("POST", "/api/v1/jobs", token: token, body: bus).status == 201)
            let change = program.replacing(#""p""#, with: #""q""#)
            let put = try await rig.ask("PUT", "/api/v1/jobs/q/definition", token: token, body: change)
            #expect(put.status == (status == 201 ? 200 : 403))
            try await rig.stop()
        }
    }

    @Test func pagesFollowEachOther() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        let changes = (0..<25).map { number in
            JobChange.add(
                Samples.job("job \(number)", feed: Origin.orders.feed, source: ""), cursor: Samples.noon, nextDue: nil,
                skips: [])
        }
        _ = try await rig.store.apply(changes, by: nil, now: Samples.noon)
        for number in 0..<25 {
            _ = await rig.desk.handle(.start("job \(number)"))
            if number % 3 == 0 { rig.clock.advance(by: 1_000_000) }
        }
        for (path, key) in [
            ("/api/v1/jobs?limit=7", "name"), ("/api/v1/runs?limit=7", "id"),
            ("/api/v1/runs?limit=7&state=pending", "id"),
        ] {
            var found: [String] = []
            var next: String?
            repeat {
                let page = try await rig.ask("GET", path + (next.map { "&cursor=\($0)" } ?? ""), token: token)
                #expect(page.status == 200, "\(page.text)")
                let items = page.object["items"] as? [[String: Any]] ?? []
                #expect(items.count <= 7)
                found += items.compactMap { $0[key] as? String }
                next = page.object["next"] as? String
            } while next != nil && found.count < 100
            #expect(found.count == 25, "\(path)")
            #expect(Set(found).count == 25, "\(path)")
        }
        try await rig.stop()
    }

    /// What a command asks of its daemon, however many words that takes.
    @Test func listsAreAskedForBySeveralWords() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        for (name, every, tags) in [("a", "3h", #"["x","y"]"#), ("b", "2h", #"["x"]"#), ("c", "1h", "[]")] {
            let body = #"{"name":"\#(name)","every":"\#(every)","bus":{},"tags":\#(tags)}"#
            #expect(try await rig.ask("POST", "/api/v1/jobs", token: token, body: body).status == 201)
        }
        for (query, names) in [
            ("name=a&name=c", ["a", "c"]), ("tag=x&tag=y", ["a"]), ("state=enabled&state=failed", ["a", "b", "c"]),
            ("sort=next", ["c", "b", "a"]), ("after=a", ["b", "c"]), ("name=%5Bab%5D", ["a", "b"]),
        ] {
            let page = try await rig.ask("GET", "/api/v1/jobs?" + query, token: token)
            let items = page.object["items"] as? [[String: Any]] ?? []
            #expect(items.compactMap { $0["name"] as? String } == names, "\(query): \(page.text)")
        }
        #expect(try await rig.ask("GET", "/api/v1/jobs?limit=2", token: token).object["total"] as? Int == 3)
        #expect(try await rig.ask("GET", "/api/v1/jobs?limit=1&limit=2", token: token).status == 400)
        let run = try await rig.ask("POST", "/api/v1/jobs/a/runs", token: token).header("Location") ?? ""
        let runs = try await rig.ask("GET", "/api/v1/runs?state=pending&state=failed&trigger=manual", token: token)
        #expect((runs.object["items"] as? [[String: Any]])?.count == 1, "\(run): \(runs.text)")
        let agenda = try await rig.ask(
            "GET", "/api/v1/agenda?name=a&name=b&from=2026-11-23T00:00:00Z&until=2026-11-23T05:00:00Z", token: token)
        #expect((agenda.object["items"] as? [[String: Any]])?.isEmpty == false, "\(agenda.text)")
        let told = try await rig.ask(
            "DELETE", "/api/v1/jobs/a", token: token, headers: ["Prefer": "return=representation"])
        #expect(told.status == 200 && told.text.contains("a is deleted"), "\(told.text)")
        for (method, path) in [
            ("POST", "/feeds/none/accept"), ("POST", "/instances/none/drain"), ("POST", "/instances/none/undrain"),
            ("DELETE", "/instances/none"),
        ] {
            let reply = try await rig.ask(method, "/api/v1" + path, token: token)
            #expect([404, 409].contains(reply.status), "\(path): \(reply.text)")
        }
        try await rig.stop()
    }

    @Test(arguments: [
        ("/api/v1/jobs?limit=0", "limit"), ("/api/v1/jobs?limit=x", "limit"), ("/api/v1/jobs?limit=1001", "limit"),
        ("/api/v1/jobs?state=asleep", "state"), ("/api/v1/jobs?colour=red", "colour"),
        ("/api/v1/jobs?cursor=%00", "cursor"),
        ("/api/v1/runs?since=yesterday", "since"), ("/api/v1/runs?cursor=eA", "cursor"), ("/api/v1/runs/xyz", "xyz"),
        ("/api/v1/agenda", "until"), ("/api/v1/runs?trigger=magic", "trigger"),
    ])
    func whatIsAskedWronglyNamesItsPart(_ path: String, _ word: String) async throws {
        let rig = try await Rig()
        let reply = try await rig.ask("GET", path, token: try await rig.token(Scope.all))
        #expect(reply.status == 400, "\(reply.text)")
        #expect((reply.object["detail"] as? String)?.contains(word) == true, "\(reply.text)")
        try await rig.stop()
    }

    @Test(arguments: [
        (#"{"name":"a","cron":"61 * * * *","bus":{}}"#, "cron"), (#"{"name":"a","bus":{},"colour":"red"}"#, "colour"),
        (#"{"cron":"* * * * *","bus":{}}"#, "name"), (#"{"name":"a","every":"1h"}"#, "exec"),
        (#"{"name":"a","every":"1h","bus":{},"time_zone":"Mars/Base"}"#, "time_zone"),
    ])
    func aDefinitionThatIsWrongNamesItsKey(_ body: String, _ word: String) async throws {
        let rig = try await Rig()
        let reply = try await rig.ask("POST", "/api/v1/jobs", token: try await rig.token(Scope.all), body: body)
        #expect(reply.status == 400, "\(reply.text)")
        #expect(reply.text.contains(word), "\(reply.text)")
        #expect(try await rig.store.counts().jobs == 0)
        try await rig.stop()
    }

    @Test func theDaemonItself() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        let paused = try await rig.ask(
            "POST", "/api/v1/pause", token: token, body: #"{"reason":"the disk is changed"}"#)
        #expect(paused.status == 200, "\(paused.text)")
        let status = try await rig.ask("GET", "/api/v1/status", token: token)
        #expect(status.object["paused"] as? String == "the disk is changed")
        #expect(try await rig.ask("POST", "/api/v1/resume", token: token).status == 200)
        #expect(try await rig.ask("POST", "/api/v1/pause", token: token, body: "{}").status == 400)
        #expect(try await rig.ask("GET", "/api/v1/instances", token: token).object["items"] is [Any])
        #expect(try await rig.ask("GET", "/api/v1/feeds", token: token).object["items"] is [Any])
        let until = "2026-12-01T00:00:00Z"
        #expect(try await rig.ask("GET", "/api/v1/agenda?until=\(until)", token: token).object["items"] is [Any])
        #expect(try await rig.ask("GET", "/api/v1/skips", token: token).object["items"] is [Any])
        try await rig.stop()
    }

    @Test func aPreviewLeavesOutWhatIsExcluded() async throws {
        let rig = try await Rig()
        let token = try await rig.token([.jobsRead])
        let body = #"{"cron":"0 0 * * *","time_zone":"UTC","exclude":["2026-11-23"],"count":3}"#
        let reply = try await rig.ask("POST", "/api/v1/preview", token: token, body: body)
        #expect(
            reply.object["times"] as? [String]
                == ["22", "24", "25"].map { "2026-11-\($0)T00:00:00.000000Z" }, "\(reply.text)")
        try await rig.stop()
    }

    /// Whoever may only run jobs changes none, however many at once, and sees what becomes of what they do.
    @Test func operationsAskForWhatTheyDo() async throws {
        let rig = try await Rig()
        let (all, runner) = (try await rig.token(Scope.all), try await rig.token([.runsWrite, .jobsRead]))
        #expect(try await rig.ask("POST", "/api/v1/jobs", token: all, body: Self.cron).status == 201)
        func ask(_ body: String, _ token: String) async throws -> Reply {
            try await rig.ask("POST", "/api/v1/operations", token: token, body: body)
        }
        let refused = try await ask(#"{"action":"disable","jobs":{"tag":["eu"]}}"#, runner)
        #expect(refused.status == 403 && refused.object["missing_scopes"] as? [String] == ["jobs:write"])
        for (body, word) in [
            (#"{"action":"run","jobs":{}}"#, "say how many"), (#"{"action":"run"}"#, "either jobs or runs"),
            (#"{"action":"run","jobs":{"tag":["eu"]},"runs":{}}"#, "either jobs or runs"),
            (#"{"action":"dance","jobs":{"tag":["eu"]}}"#, "dance"),
            (#"{"action":"run","jobs":{"state":["happy"]}}"#, "happy"),
            (#"{"action":"retry","runs":{"since":"yesterday"}}"#, "since"),
            (#"{"action":"undo","jobs":{"tag":["eu"]}}"#, "undo"),
        ] {
            let reply = try await ask(body, all)
            #expect(reply.status == 400 && reply.text.contains(word), "\(body): \(reply.text)")
        }
        #expect(try await ask(#"{"action":"run","jobs":{"tag":["eu"]},"expect":2}"#, all).status == 409)
        let begun = try await ask(#"{"action":"run","jobs":{"tag":["eu"]},"expect":1}"#, runner)
        #expect(begun.status == 202, "\(begun.text)")
        let place = try #require(begun.header("Location"))
        try await eventually("it has ended") {
            rig.clock.advance(by: 10_000)
            return try await rig.ask("GET", place, token: runner).object["state"] as? String == "completed"
        }
        #expect(try await rig.ask("POST", place + "/cancel", token: runner).status == 409)
        let undone = try await rig.ask("POST", place + "/undo", token: runner)
        #expect(undone.status == 202 && undone.header("Location") != place, "\(undone.text)")
        #expect(try await rig.ask("POST", "/api/v1/operations/0000/undo", token: runner).status == 404)
        let list = try await rig.ask("GET", "/api/v1/operations", token: runner).object["items"] as? [[String: Any]]
        #expect(list?.compactMap { $0["action"] as? String } == ["undo", "run"])
        try await rig.stop()
    }

    /// Nobody makes a token that may do what they may not.
    @Test func tokensAreNoMoreThanTheirMaker() async throws {
        let rig = try await Rig()
        let maker = try await rig.token([.systemWrite, .systemRead, .jobsRead])
        func make(_ body: String) async throws -> Reply {
            try await rig.ask("POST", "/api/v1/tokens", token: maker, body: body)
        }
        let more = try await make(#"{"name":"x","scopes":["jobs:read","exec:write"]}"#)
        #expect(more.status == 403 && more.object["missing_scopes"] as? [String] == ["exec:write"], "\(more.text)")
        for body in [
            #"{"name":"x","scopes":[]}"#, #"{"name":"x","scopes":["all"]}"#, #"{"scopes":["jobs:read"]}"#,
            #"{"name":"x","scopes":["jobs:read"],"digest":"secret"}"#, #"{"name":"","scopes":["jobs:read"]}"#,
        ] { #expect(try await make(body).status == 400, "\(body)") }
        let made = try await make(#"{"name":"x","scopes":["jobs:read"],"expires":"1h"}"#)
        let secret = try #require(made.object["token"] as? String, "\(made.text)")
        rig.clock.advance(by: 2_000_000)
        #expect(try await rig.ask("GET", "/api/v1/jobs", token: secret).status == 200)
        #expect(try await make(#"{"name":"x","scopes":["jobs:read"]}"#).status == 409)
        let list = try await rig.ask("GET", "/api/v1/tokens", token: maker)
        #expect(list.text.contains("\"x\"") && !list.text.contains("digest"), "\(list.text)")
        #expect(try await rig.ask("DELETE", "/api/v1/tokens/x", token: maker).status == 200)
        #expect(try await rig.ask("DELETE", "/api/v1/tokens/x", token: maker).status == 404)
        rig.clock.advance(by: 2_000_000)
        #expect(try await rig.ask("GET", "/api/v1/jobs", token: secret).status == 401)
        try await rig.stop()
    }
}
