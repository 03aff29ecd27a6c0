import CarillonCore
import CarillonTestSupport
import ExecDispatcher
import KeijiFeed
import Logging
import Testing
import Timetable

/// What a row of keiji's becomes.
@Suite struct JobTests {
    private func read(_ task: KeijiTask) async throws -> FeedSnapshot {
        let feed = KeijiFeed(
            tables: Rows(rows: [task]), folders: KeijiFolders(root: "/nowhere"), zones: ZoneDatabase(),
            zone: "America/New_York", prefix: "k/", clock: ManualClock(now: Samples.noon),
            logger: .silent)
        return try await feed.snapshot(of: .everything)
    }

    private func task(_ type: String?, _ info: String?, executable: String? = "/k/a.bin") -> KeijiTask {
        KeijiTask(
            id: "1", name: "a", slug: "a", type: type, scheduleInfo: info, executable: executable,
            createdAt: "2026-11-01 10:00:00.123456789+03:00")
    }

    @Test(arguments: [
        ("HMS", #"{"units":"seconds","interval":10}"#, "every 10s"),
        ("HMS", #"{"units":"minutes","interval":"5"}"#, "every 5m"),
        ("HMS", #"{"interval":2.0,"units":"hours","more":1}"#, "every 2h"),
        ("DayTime", #"{"day":"Friday","time":"10:00PM"}"#, "Friday 10:00PM"),
        ("DayTime", #"{"day":"Monday","time":"22:05"}"#, "Monday 22:05"),
    ])
    func schedules(_ type: String, _ info: String, _ summary: String) async throws {
        let job = try #require(try await read(task(type, info)).jobs.first)
        #expect(job.schedule.summary == summary && job.schedule.zone == "America/New_York" && job.name == "k/a")
        #expect(try job.target == Target(ExecTarget(.argv(["/k/a.bin", "--run"]))))
        #expect(job.policies.onFailure == .halt && job.policies.overlap == .skip)
        if case .every(_, let anchor) = job.schedule.rule {
            #expect(anchor.rfc3339 == "2026-11-01T07:00:00.123456Z")
        }
    }

    @Test(arguments: [
        ("HMS", nil, "schedule_info: expected JSON such as"),
        ("HMS", #"{"units":"days","interval":1}"#, #"units: "days" is none of seconds, minutes, hours"#),
        ("HMS", #"{"units":"seconds","interval":0}"#, "interval: expected a whole number above zero"),
        ("HMS", #"{"units":"seconds","interval":1.5}"#, "interval: expected a whole number above zero"),
        ("HMS", #"{"units":"seconds","interval":"ten"}"#, "interval: expected a whole number above zero"),
        ("DayTime", #"{"day":"Freitag","time":"10:00PM"}"#, "is not a day and a time"),
        ("DayTime", #"{"day":"Friday"}"#, "expected JSON such as"),
        ("Cron", "{}", #"type: "Cron" is none of HMS, DayTime"#),
    ])
    func aBrokenRowSaysWhatIsWrong(_ type: String?, _ info: String?, _ words: String) async throws {
        let snapshot = try await read(task(type, info))
        #expect(snapshot.jobs.isEmpty)
        #expect(snapshot.problems.first?.description.contains(words) == true, "\(snapshot.problems)")
    }

    @Test(arguments: [nil, "", "a.bin", "/k/a", "/k/../a.sh"])
    func aBinaryEndsInBin(_ path: String?) async throws {
        let snapshot = try await read(task("HMS", #"{"units":"hours","interval":1}"#, executable: path))
        #expect(snapshot.problems.first?.key == "executable")
    }

    @Test func whatStandsIsTheRows() async throws {
        var row = task("HMS", #"{"units":"hours","interval":1}"#)
        #expect(try await read(row).jobs.first?.standing == Standing())
        row.isError = true
        row.errorText = "boom"
        #expect(try await read(row).jobs.first?.standing?.off == .halted("boom"))
        row.isDisabled = true
        #expect(try await read(row).jobs.first?.standing?.off == .disabled)
    }

    @Test(arguments: [
        ("2026-11-01 10:00:00.123456789+03:00", "2026-11-01T07:00:00.123456Z"),
        ("2026-11-01 07:00:00.5+00", "2026-11-01T07:00:00.500000Z"),
        ("2026-11-01T07:00:00Z", "2026-11-01T07:00:00Z"),
    ])
    func anIntervalCountsFromWhenTheTaskWasMade(_ text: String, _ anchor: String) async throws {
        var row = task("HMS", #"{"units":"hours","interval":1}"#)
        row.createdAt = text
        let job = try #require(try await read(row).jobs.first)
        #expect(job.schedule.rule == .every("1h", anchor: try #require(Timestamp(rfc3339: anchor))))
    }

    @Test func linesAreThoseOfKeijisLogger() throws {
        let zone = try ZoneDatabase().zone("Africa/Nairobi")
        let time = try #require(Timestamp(rfc3339: "2026-11-01T07:00:00.042Z"))
        #expect(
            KeijiLog.line(time, zone, "INFO", #"a "b" = c"#)
                == #"time=2026-11-01T10:00:00.042+03:00 level=INFO msg="a \"b\" = c""#)
        #expect(KeijiLog.line(time, zone, "ERROR", "boom").hasSuffix("level=ERROR msg=boom"))
    }
}

/// A table with fixed rows.
struct Rows: KeijiTables {
    let rows: [KeijiTask]

    func tasks() async throws -> [KeijiTask] { rows }
    func lay(_ off: KeijiOff?, onTask name: String) async throws {}
    func write(_ states: [String: KeijiState]) async throws {}
    func delete(task name: String) async throws {}
    func close() async {}
}
