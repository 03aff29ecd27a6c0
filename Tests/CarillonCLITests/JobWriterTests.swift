import CarillonCLI
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonTestSupport
import Foundation
import Testing
import Timetable

/// What `jobs export` prints reads back as the same jobs.
@Suite struct JobWriterTests {
    private let zones = ZoneDatabase()
    private let targets = Composition.carillon.targets

    private func jobs(_ text: String, _ format: ConfigDocument.Format = .toml) throws -> [Job] {
        let reader = JobReader(targets: targets, zones: zones, defaultZone: "UTC")
        let document = try ConfigDocument.read(text, format: format, path: "file")
        let snapshot = JobFileReader(reader).read(document, path: "file", isMain: false)
        try #require(snapshot.problems == [], "\(snapshot.problems)")
        return snapshot.jobs
    }

    @Test func everyKeyComesBack() throws {
        let before = try jobs(
            #"""
            [[job]]
            name = "every key"
            cron = "H 19 * * FRI"
            dialect = "btu"
            time_zone = "America/New_York"
            dst = { gap = "skip", overlap = "second" }
            jitter = "5m"
            starts_at = "2026-01-01T00:00:00Z"
            ends_at = "2027-01-01T00:00:00.5Z"
            exclude = ["2026-12-25"]
            shell = "echo \"a\tb\" \\\ncat\n"
            env = { "odd.name" = "é\u0001", B = "3.10" }
            inherit_env = ["PATH"]
            directory = "/tmp"
            user = "nobody"
            input = "one\ntwo"
            success_codes = [0, 7]
            overlap = { queue = 5 }
            catch_up = { all = 100, rate = 0.5 }
            window = "1h"
            start_timeout = "90s"
            timeout = "1h30m"
            retry = { attempts = 3, backoff = "2h", max_backoff = "3h", on = ["timeout"] }
            on_lost = "retry"
            on_failure = "halt"
            max_runs = 9
            enabled = false
            tags = ["a", "b c"]

            [[job]]
            name = "call"
            every = "90s"
            anchor = "2026-01-01T00:00:30Z"
            spread = true
            overlap = "skip"
            catch_up = "all"
            rq = { function = "a.b", args = [1, 1.0, nan, "x", [{ "k.1" = true }], 123456789012345678901234567890], kwargs = { b = {}, a = [] }, queue = "low", timeout = -1, result_ttl = 0, description = "d" }

            [[job]]
            name = "asked"
            exec = ["/bin/echo", "", "\u007f"]
            exclude = { holidays = ["2026-12-25"], works = ["2026-12-31"] }

            [[job]]
            name = "once"
            at = 2026-12-24T18:00:00
            time_zone = "Asia/Tokyo"
            exec = ["x"]
            catch_up = "skip"
            retry = { attempts = 2 }

            [[job]]
            name = "friday"
            day_time = "Friday 10:00PM"
            exec = ["x"]
            overlap = "replace"
            """#)
        let writer = JobWriter(targets: targets)
        for job in before {
            let text = try writer.toml(job)
            #expect(try jobs(text) == [job], "\(text)")
        }
    }

    /// TOML has no null; JSON has.
    @Test func aNullIsWrittenAsJSON() throws {
        let job = try #require(
            try jobs(#"{"job": [{"name": "n", "rq": {"function": "a.b", "args": [null, {"x": null}]}}]}"#, .json).first)
        let writer = JobWriter(targets: targets)
        let error = #expect(throws: TargetFault.self) { try writer.toml(job) }
        #expect(error?.message.contains("rq holds a null") == true)
        let text = try PublicJSON.encode(JSONObject([("job", [try writer.table(job)])]))
        #expect(try jobs(text, .json) == [job])
    }

    @Test func everyExampleComesBack() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../Examples")
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".toml") }
        var count = 0
        for file in files.sorted() {
            let path = folder.appending(path: file).path
            let reader = JobReader(
                targets: targets, zones: zones, directory: (path as NSString).deletingLastPathComponent)
            for job in JobFileReader(reader).read(path: path, isMain: false).jobs {
                var back = try #require(try jobs(try JobWriter(targets: targets).toml(job)).first)
                back.origin = job.origin
                #expect(back == job)
                count += 1
            }
        }
        #expect(count >= 10, "the examples were not found")
    }

    @Test func whatNoKeySaysIsRefused() throws {
        let job = Job(name: "x", schedule: ScheduleText(.manual), target: Samples.target)
        #expect(throws: TargetFault.self) { try JobWriter(targets: targets).toml(job) }
    }
}
