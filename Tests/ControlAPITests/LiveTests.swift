import AsyncHTTPClient
import CarillonCore
import CarillonEngine
import CarillonTestSupport
import ControlAPI
import Foundation
import NIOCore
import NIOHTTP1
import Testing
import Timetable

/// Streams of what goes on.
@Suite(.timeLimit(.minutes(1))) struct LiveTests {
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
}
