import CarillonCore
import CarillonEngine
import CarillonMetrics
import CarillonTestSupport
import ControlAPI
import CoreMetrics
import Logging
import MemoryStore
import SimpleSchedulerAPI
import Testing
import Timetable

/// What a running engine tells.
@Suite(.timeLimit(.minutes(5))) struct EngineMetricsTests {
    private static let due = Samples.noon.plus(5)

    private func job(_ name: String, target: String = "good", tags: [String] = []) throws -> Job {
        Job(
            name: name, schedule: ScheduleText(.once(Self.due.rfc3339)), target: try Target(SampleTarget(target)),
            policies: Policies(overlap: .allow), tags: tags, origin: Origin(feed: "files"))
    }

    @Test func runsAreCountedAndMeasured() async throws {
        var jobs = try (0..<7).map { try job("good \($0)") }
        jobs += try (0..<3).map { try job("bad \($0)", target: "bad") }
        var off = try job("off")
        off.enabled = false
        var halted = try job("halted")
        halted.standing = Standing(off: .halted("it fell over"))
        let rig = try await Rig(jobs: jobs + [off, halted], due: Self.due)
        try await rig.until(#"carillon_runs_total{state="completed",trigger="schedule",target="sample"}"#, is: 7)
        try await rig.until(#"carillon_runs_total{state="failed",trigger="schedule",target="sample"}"#, is: 3)
        #expect(rig.value(#"carillon_runs_total{state="failed",trigger="manual",target="sample"}"#) == 0)
        #expect(rig.value(#"carillon_start_lateness_seconds_count{target="sample"}"#) == 10)
        #expect(rig.value(#"carillon_handover_seconds_count{target="sample"}"#) == 10)
        #expect(rig.value(#"carillon_run_duration_seconds_count{target="sample",state="failed"}"#) == 3)
        try await rig.until(#"carillon_jobs{state="failing"}"#, is: 3)
        #expect(try #require(rig.value(#"carillon_store_transaction_seconds_count{op="open"}"#)) > 0)
        #expect(try #require(rig.value(#"carillon_store_transaction_seconds_count{op="record"}"#)) > 0)
        #expect(rig.value(#"carillon_jobs{state="on"}"#) == 10)
        #expect(rig.value(#"carillon_jobs{state="off"}"#) == 1)
        #expect(rig.value(#"carillon_jobs{state="halted"}"#) == 1)
        #expect(rig.value(#"carillon_job_failing{job="bad 0"}"#) == 1)
        #expect(rig.value(#"carillon_job_failing{job="good 0"}"#) == nil)
        for (series, value) in [
            (#"carillon_runs_active{state="pending",target="sample"}"#, 0.0), ("carillon_due_jobs", 0),
            ("carillon_paused", 0), ("carillon_lease_held", 1), (#"carillon_dispatcher_up{target="sample"}"#, 1),
            (#"carillon_dispatcher_held_runs{target="sample"}"#, 0), (#"carillon_instance_info{instance="a"}"#, 1),
        ] {
            #expect(rig.value(series) == value, "\(series)")
        }
        // Nothing is due any more.
        #expect(rig.value("carillon_next_due_timestamp_seconds") == nil)
        // Nobody watches any.
        #expect(!rig.samples.contains { $0.hasPrefix("carillon_job_info") })
        let turned = try #require(rig.value("carillon_planner_turned_timestamp_seconds"))
        #expect(turned >= Double(Self.due.seconds))
        #expect(turned <= Double(rig.clock.now.microseconds) / 1_000_000)
        try await rig.stop()
    }

    @Test func timesThatDidNotRunAreCounted() async throws {
        let noon = Samples.noon
        // An hour of each minute while nobody was there, of which one is caught up.
        let job = Samples.job("minutely", policies: Policies(overlap: .skip))
        let rig = try await Rig(jobs: [job], due: noon.plus(60))
        rig.clock.advance(by: 5_000_000)
        rig.clock.step(by: 3_600_000_000)
        try await rig.until(#"carillon_clock_jumps_total{direction="forward"}"#, is: 1)
        let clock = #"carillon_occurrences_skipped_total{reason="clock",missed="yes"}"#
        try await eventually(within: 60, "skips are counted") {
            rig.clock.advance(by: 1_000_000)
            return (rig.value(clock) ?? 0) > 0
        }
        #expect((55...60).contains(try #require(rig.value(clock))))
        try await rig.stop()
    }

    @Test func whoeverIsWatchedHasFiguresOfItsOwn() async throws {
        var jobs = [
            try job("good \"one\"", tags: ["watched"]), try job("bad one", target: "bad", tags: ["watched"]),
            try job("another"),
        ]
        var hourly = Samples.job("hourly", every: "1h")
        hourly.tags = ["watched"]
        hourly.target = Samples.target
        jobs.append(hourly)
        let rig = try await Rig(watching: ["watched"], jobs: jobs, due: Self.due)
        let good = #"{job="good \"one\""}"#
        let bad = #"{job="bad one"}"#
        try await rig.until("carillon_job_consecutive_failures" + bad, is: 1)
        let at = Double(Self.due.seconds)
        let success = try #require(rig.value("carillon_job_last_success_timestamp_seconds" + good))
        #expect(success >= at && success < at + 60)
        #expect(rig.value("carillon_job_last_success_timestamp_seconds" + bad) == nil)
        #expect(try #require(rig.value("carillon_job_last_end_timestamp_seconds" + bad)) >= at)
        #expect(try #require(rig.value("carillon_job_last_duration_seconds" + bad)) >= 0)
        #expect(rig.value("carillon_job_consecutive_failures" + good) == 0)
        #expect(rig.value("carillon_job_running" + good) == 0)
        #expect(rig.value(#"carillon_job_info{job="bad one",feed="files",target="sample"}"#) == 1)
        #expect(rig.value("carillon_job_next_run_timestamp_seconds" + bad) == nil)
        #expect(try #require(rig.value(#"carillon_job_next_run_timestamp_seconds{job="hourly"}"#)) > at)
        #expect(!rig.samples.contains { $0.contains("another") })
        #expect(rig.value("carillon_metrics_jobs_dropped") == 0)
        // One that is gone has none.
        let stored = try #require(try await rig.store.job(named: "bad one"))
        _ = try await rig.store.apply([.remove(stored.id, revision: stored.revision)], now: rig.clock.now)
        try await eventually(within: 60, "it is gone") {
            rig.clock.advance(by: 1_000_000)
            return !rig.samples.contains { $0.contains("bad one") }
        }
        try await rig.stop()
    }

    /// However many jobs there are: 2,000 series, and 5,600 with all that may be watched.
    @Test func thereIsABoundOfSeries() async throws {
        let jobs = try (0..<20_000).map { number in
            try job(
                "job \(number)", target: number < 300 ? "bad" : "good", tags: number % 20 == 0 ? ["watched"] : [])
        }
        let rig = try await Rig(watching: ["watched"], jobs: jobs, due: Self.due)
        let endpoints = TestEndpoints.all(rig)
        _ = APIServer(
            ListenAddress(host: "127.0.0.1", port: 0), hosts: HostList([]), endpoints,
            Gate(AccessTokens(in: rig.store), local: nil, nil, rig.clock), rig.clock, .silent, metrics: rig.registry)
        try await rig.until(
            #"carillon_runs_total{state="completed",trigger="schedule",target="sample"}"#, is: 19_700)
        try await rig.until(#"carillon_jobs{state="failing"}"#, is: 300)
        try await rig.until("carillon_metrics_jobs_dropped", is: 500)
        let samples = rig.samples
        #expect(samples.count { $0.hasPrefix("carillon_job_failing{") } == 100)
        #expect(samples.count { $0.hasPrefix("carillon_job_info{") } == 500)
        let own = samples.filter { $0.hasPrefix("carillon_job_") && !$0.hasPrefix("carillon_job_failing") }
        #expect(samples.count - own.count <= 2_000, "\(samples.count) of which \(own.count)")
        #expect(samples.count <= 5_600)
        print("series: \(samples.count), of which \(own.count) of watched jobs")
        for endpoint in endpoints {
            let series =
                "carillon_http_requests_total{route=\"\(endpoint.path)\",method=\"\(endpoint.method.rawValue)\""
            #expect(samples.contains { $0.hasPrefix(series) }, "\(endpoint.path) is beyond the bound of routes")
        }
        try await rig.stop()
    }

    /// The bound holds for whatever might be counted, too.
    @Test func theTableKeepsTheBound() {
        let all = MetricFamily.carillon
        let watched = all.filter { $0.name.hasPrefix("carillon_job_") && $0.name != "carillon_job_failing" }
        let sum = { (families: [MetricFamily]) in families.reduce(0) { $0 + $1.most * $1.samples } }
        #expect(sum(all) - sum(watched) <= 2_000, "\(sum(all) - sum(watched))")
        #expect(sum(all) <= 5_600, "\(sum(all))")
        #expect(Set(all.map(\.name)).count == all.count)
    }
}
