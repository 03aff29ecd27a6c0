#if MariaDB
    import CarillonCore
    import CarillonTestSupport
    import FrappeFeed
    import Logging
    import MariaDBClient
    import Testing
    import Timetable

    /// The feed on a real MariaDB.
    @Suite(.timeLimit(.minutes(5))) struct DatabaseTests {
        private let site: FrappeSiteFixture
        private let feed: FrappeFeed

        init() async throws {
            site = try await FrappeSiteFixture()
            let tables = { [site] in
                MariaDBTables(try MariaDBClient(site.configuration, logger: .silent), fallback: "Europe/Paris")
            }
            feed = FrappeFeed(
                tables: try tables(), few: try tables(), zones: ZoneDatabase(), refresh: 3_600_000_000,
                clock: ManualClock(now: Timestamp(seconds: 1_790_000_000)), logger: .silent)
        }

        private func times(_ job: Job, after: String, count: Int) throws -> [String] {
            let schedule = try #require(try job.schedule.compile(job: job.name, zones: ZoneDatabase()))
            var time = try #require(Timestamp(rfc3339: after))
            return try (0..<count).map { _ in
                time = try #require(schedule.next(after: time))
                return schedule.zone.format(time)
            }
        }

        private func job(_ name: String) async throws -> Job {
            try #require(try await feed.snapshot(of: .everything).jobs.first { $0.name == name })
        }

        @Test func aBadRowShowsItsErrorAndTheOthersRun() async throws {
            try await site.task("TASK-0001")
            let good = ["TS-1", "it's | \"quoted\"", "Zeitplan für Löhne 𝄞", "'; DROP TABLE tabSingles; --"]
            for name in good { try await site.schedule(name, cron: "0 7 * * *") }
            try await site.schedule("bad-cron", cron: "every tuesday")
            try await site.schedule("no-cron", cron: "")
            try await site.schedule("no-task", task: "TASK-9999", cron: "0 7 * * *")
            try await site.schedule("nulls", task: nil, frequency: nil, queue: nil)
            try await site.schedule("off", enabled: false, cron: "0 7 * * *")
            try await site.schedule("off-and-broken", enabled: false, cron: "x")
            let snapshot = try await feed.snapshot(of: .everything)
            #expect(Set(snapshot.jobs.map(\.name)) == Set(good + ["off"]))
            #expect(snapshot.jobs.filter { !$0.enabled }.map(\.name) == ["off"])
            let problems = Dictionary(uniqueKeysWithValues: snapshot.problems.map { ($0.job ?? "", $0.key ?? "") })
            #expect(
                problems == [
                    "bad-cron": "cron_string", "no-cron": "cron_string", "no-task": "task", "nulls": "run_frequency",
                ])
            let some = try await feed.snapshot(of: .jobs(Set(good + ["bad-cron", "gone"])))
            #expect(Set(some.jobs.map(\.name)) == Set(good) && some.problems.map(\.job) == ["bad-cron"])
        }

        @Test func aDailyRowAtSevenIsAtSevenAllYear() async throws {
            try await site.task("TASK-0001")
            try await site.zones(cron: nil, site: "America/New_York")
            // What the app wrote into cron_string is UTC as it was on some day in summer.
            try await site.schedule(
                "daily", frequency: "Daily", cron: "0 23 * * *", columns: [("hour", "19"), ("minute", "0")])
            let daily = try await job("daily")
            #expect(try times(daily, after: "2026-07-01T12:00:00Z", count: 1) == ["2026-07-01 19:00:00 EDT"])
            #expect(try times(daily, after: "2027-01-01T12:00:00Z", count: 1) == ["2027-01-01 19:00:00 EST"])
        }

        @Test func zonesComeFromTheSite() async throws {
            try await site.task("TASK-0001")
            try await site.schedule("cron", cron: "0 7 * * *")
            try await site.schedule("daily", frequency: "Daily", columns: [("hour", "7")])
            #expect(try await job("cron").schedule.zone == "UTC")
            #expect(try await job("daily").schedule.zone == "Europe/Paris")
            try await site.zones(cron: "Asia/Kolkata", site: "America/New_York")
            #expect(try await job("cron").schedule.zone == "Asia/Kolkata")
            #expect(try await job("daily").schedule.zone == "America/New_York")
            try await site.zones(cron: "Nowhere/Land", site: "America/New_York")
            let snapshot = try await feed.snapshot(of: .everything)
            #expect(snapshot.jobs.map(\.name) == ["daily"] && snapshot.problems.map(\.job) == ["cron"])
        }

        /// timetable.md: R8 for what begins with `*`, R9 for the rest; the nights of 2026.
        @Test(arguments: [
            (
                "America/New_York", "2026-03-08T06:44:00Z", "0 19 * * *",
                ["2026-03-08 19:00:00 EDT", "2026-03-09 19:00:00 EDT"]
            ),
            (
                "America/New_York", "2026-03-08T06:44:00Z", "30 2 * * *",
                ["2026-03-08 03:00:00 EDT", "2026-03-09 02:30:00 EDT"]
            ),
            (
                "America/New_York", "2026-03-08T06:44:00Z", "*/15 * * * *",
                ["2026-03-08 01:45:00 EST", "2026-03-08 03:00:00 EDT", "2026-03-08 03:15:00 EDT"]
            ),
            (
                "America/New_York", "2026-11-01T05:44:00Z", "30 1 * * *",
                ["2026-11-02 01:30:00 EST"]
            ),
            (
                "America/New_York", "2026-11-01T05:44:00Z", "30 2 * * *",
                ["2026-11-01 02:30:00 EST", "2026-11-02 02:30:00 EST"]
            ),
            (
                "America/New_York", "2026-11-01T05:44:00Z", "*/15 * * * *",
                [
                    "2026-11-01 01:45:00 EDT", "2026-11-01 01:00:00 EST", "2026-11-01 01:15:00 EST",
                    "2026-11-01 01:30:00 EST", "2026-11-01 01:45:00 EST", "2026-11-01 02:00:00 EST",
                ]
            ),
            (
                "America/New_York", "2026-11-01T05:44:00Z", "0 19 * * *",
                ["2026-11-01 19:00:00 EST", "2026-11-02 19:00:00 EST"]
            ),
            (
                "Europe/Berlin", "2026-03-29T00:44:00Z", "0 19 * * *",
                ["2026-03-29 19:00:00 CEST", "2026-03-30 19:00:00 CEST"]
            ),
            (
                "Europe/Berlin", "2026-03-29T00:44:00Z", "30 2 * * *",
                ["2026-03-29 03:00:00 CEST", "2026-03-30 02:30:00 CEST"]
            ),
            (
                "Europe/Berlin", "2026-03-29T00:44:00Z", "*/15 * * * *",
                ["2026-03-29 01:45:00 CET", "2026-03-29 03:00:00 CEST", "2026-03-29 03:15:00 CEST"]
            ),
            (
                "Europe/Berlin", "2026-10-24T23:44:00Z", "0 19 * * *",
                ["2026-10-25 19:00:00 CET", "2026-10-26 19:00:00 CET"]
            ),
            (
                "Europe/Berlin", "2026-10-24T23:44:00Z", "30 2 * * *",
                ["2026-10-25 02:30:00 CEST", "2026-10-26 02:30:00 CET"]
            ),
            (
                "Europe/Berlin", "2026-10-25T00:44:00Z", "*/15 * * * *",
                [
                    "2026-10-25 02:45:00 CEST", "2026-10-25 02:00:00 CET", "2026-10-25 02:15:00 CET",
                    "2026-10-25 02:30:00 CET", "2026-10-25 02:45:00 CET", "2026-10-25 03:00:00 CET",
                ]
            ),
        ])
        func theNightsOfTheChange(_ zone: String, _ after: String, _ cron: String, _ expected: [String]) async throws {
            try await site.task("TASK-0001")
            try await site.zones(cron: zone, site: "UTC")
            try await site.schedule("night", cron: cron)
            #expect(try times(try await job("night"), after: after, count: expected.count) == expected)
        }

        @Test func anAbsentDatabaseIsAnErrorAndNoEmptySite() async throws {
            try await site.task("TASK-0001")
            try await site.schedule("TS-1", cron: "0 7 * * *")
            await site.server.kill()
            await #expect(throws: MariaDBError.self) { try await feed.snapshot(of: .everything) }
            try await site.server.start()
            #expect(try await feed.snapshot(of: .everything).jobs.map(\.name) == ["TS-1"])
        }
    }
#endif
