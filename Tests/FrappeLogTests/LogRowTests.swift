import CarillonCore
import CarillonTestSupport
import FrappeFeed
import FrappeLog
import Testing
import Timetable

/// What a row of the site's log says.
struct LogRowTests {
    private let zone: Zone
    private let target = FrappeTarget(
        task: "TASK-0001", schedule: "TS-1", function: "shop.greet", queue: "short", describedAs: "Greets")

    init() throws { zone = try ZoneDatabase().zone("America/New_York") }

    /// A run that was due at noon of UTC and ended a second and a quarter later.
    private func run(_ state: RunState = .failed, error: String? = nil, reason: String? = nil) -> Run {
        var run = Run(
            id: RunID(store: 1, job: "TS-1", scheduledAt: Samples.noon), jobID: JobID(1), job: "TS-1", revision: 1,
            trigger: .schedule, scheduledAt: Samples.noon, createdAt: Samples.noon)
        run.state = state
        run.endedAt = Samples.noon.adding(microseconds: 1_250_000)
        run.outcome.error = error
        run.reason = reason
        return run
    }

    private func row(_ run: Run, _ columns: LogForm.Column...) -> LogRow {
        LogRow(run, target, LogForm(columns: columns, zone: "America/New_York"), zone: zone)
    }

    private static func varchar(_ name: String) -> LogForm.Column { .init(name, type: "varchar", longest: 140) }

    /// The DocType of the app, as Frappe makes a table of it.
    private static let app: [LogForm.Column] = [
        varchar("name"), .init("creation", type: "datetime"), .init("modified", type: "datetime"),
        varchar("modified_by"), varchar("owner"), .init("docstatus", type: "int"), .init("idx", type: "int"),
        varchar("task"), varchar("task_desc_short"), varchar("task_component"),
        .init("date_time_started", type: "datetime"), .init("execution_time", type: "decimal"),
        varchar("success_fail"), .init("result_message", type: "text", longest: 65_535),
        .init("stdout", type: "longtext", longest: 4_294_967_295), varchar("schedule"),
        .init("_user_tags", type: "text", longest: 65_535),
    ]

    @Test func everyColumnOfTheAppHasItsValueInTheSitesZone() {
        let run = run(error: "was never picked up: it did not start within 2s")
        let row = LogRow(run, target, LogForm(columns: Self.app, zone: ""), zone: zone)
        let words =
            "No worker was seen to start the run that was due at 2026-11-21 07:00:00 EST, on queue 'short'. It failed: was "
            + "never picked up: it did not start within 2s. Carillon's ledger has it as run \(run.id)."
        #expect(
            row.fields == [
                .init("name", "CARILLON-\(run.id)"), .init("creation", "2026-11-21 07:00:01.250000"),
                .init("modified", "2026-11-21 07:00:01.250000"), .init("modified_by", "Administrator"),
                .init("owner", "Administrator"), .init("docstatus", "0"), .init("idx", "0"),
                .init("task", "TASK-0001"), .init("task_desc_short", "Greets"),
                .init("date_time_started", "2026-11-21 07:00:00.000000"), .init("execution_time", "0"),
                .init("success_fail", "Failed"), .init("result_message", words), .init("schedule", "TS-1"),
            ])
    }

    @Test func onlyColumnsThatAreThereAreWritten() {
        let row = row(run(error: "x"), Self.varchar("name"), Self.varchar("stdout"), Self.varchar("worker"))
        #expect(row.fields.map(\.column) == ["name", "stdout"])
        #expect(row["stdout"]?.contains("It failed: x.") == true)
    }

    @Test(arguments: [
        ("int", "0"), ("decimal", "0"), ("datetime", "2026-11-21 07:00:01.250000"), ("date", "2026-11-21"),
        ("time", "00:00:00"), ("varchar", ""), ("longtext", ""),
    ])
    func aColumnThatMustNotBeNullHasAValueOfItsType(_ type: String, _ expected: String) {
        let column = LogForm.Column("unheard_of", type: type, isRequired: true)
        #expect(row(run(), column).fields == [.init("unheard_of", expected)])
    }

    @Test func wordsSayHowItEndedAndWhyOnce() {
        var skipped = run(.skipped, reason: SkipReason.unreachable.words)
        skipped.held = Hold(since: Samples.noon, why: "connection refused")
        let cases = [
            (skipped, "It was passed over: \(SkipReason.unreachable.words); connection refused. "),
            (run(.cancelled, reason: "stopped by root"), "It was cancelled: stopped by root. "),
            (run(error: "no such task", reason: "no such task"), "It failed: no such task. "),
            (run(), "It failed: nobody said why. "),
        ]
        for (run, words) in cases {
            let row = row(run, .init("result_message", type: "text", longest: 65_535))
            #expect(row["result_message"]?.contains(words) == true, "\(row)")
        }
    }

    @Test func textsFitTheirColumnsAndThePage() {
        let error = "<script>" + String(repeating: "é", count: 70_000)
        let narrow = row(run(error: error), Self.varchar("stdout"))
        #expect(narrow["stdout"]?.unicodeScalars.count == 140)
        let wide = row(run(error: error), .init("result_message", type: "text", longest: 65_535))["result_message"]
        #expect((wide?.utf8.count ?? .max) <= 65_535 && wide?.contains("‹script›é") == true)
    }

    @Test func aRunReachedAWorkerWhenAnyAttemptStarted() {
        var retried = run()
        retried.earlier = [
            EndedAttempt(attempt: 1, startedAt: Samples.noon, endedAt: Samples.noon, outcome: Outcome())
        ]
        var started = run()
        started.startedAt = Samples.noon
        for run in [retried, started, run(.completed), run(.running), run(.pending)] {
            #expect(!run.reachedNoWorker, "\(run)")
        }
        for state in [RunState.failed, .cancelled, .skipped] { #expect(run(state).reachedNoWorker) }
    }
}
