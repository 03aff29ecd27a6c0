import CarillonConfiguration
import CarillonCore
import ExecDispatcher
import RQDispatcher
import Testing
import Timetable

@Suite struct JobReaderTests {
    private func read(_ toml: String) throws -> FeedSnapshot {
        let node = try ConfigDocument.read(toml, format: .toml, path: "jobs.toml")
        return JobFileReader(JobReader(zones: ZoneDatabase())).read(node, path: "jobs.toml", isMain: false)
    }

    @Test func everyKeyIsUnderstood() throws {
        let snapshot = try read(
            """
            time_zone = "Europe/Berlin"
            [[job]]
            name = "all"
            cron = "0 19 * * MON-FRI"
            dialect = "unix"
            time_zone = "America/New_York"
            dst = { gap = "skip", overlap = "both" }
            jitter = "30s"
            starts_at = "2026-01-01T00:00:00Z"
            ends_at = "2027-01-01 00:00"
            exclude = ["2026-12-25"]
            exec = ["/usr/local/bin/report", "--full"]
            env = { A = "b", N = 3 }
            inherit_env = ["LANGUAGE"]
            directory = "/tmp"
            user = "nobody"
            input = "hello"
            success_codes = [0, 2]
            enabled = false
            overlap = { queue = 5 }
            catch_up = { all = 10, rate = 2.5 }
            window = "1h"
            timeout = "2s"
            start_timeout = "500ms"
            retry = { attempts = 3, backoff = "30s", max_backoff = "5m", on = ["timeout"] }
            on_lost = "retry"
            max_runs = 7
            tags = ["pay"]
            """)
        #expect(snapshot.problems == [])
        let job = try #require(snapshot.jobs.first)
        #expect(job.schedule.rule == .cron("0 19 * * MON-FRI", .unix, anchor: Timestamp(seconds: 0)))
        #expect(job.schedule.zone == "America/New_York")
        #expect(job.schedule.dst == DSTPolicy(gap: .skip, overlap: .both))
        #expect(job.schedule.jitter == 30_000_000)
        #expect(job.schedule.endsAt == Timestamp(rfc3339: "2027-01-01T05:00:00Z"))
        #expect(
            try job.target.open(as: ExecTarget.self)
                == ExecTarget(
                    .argv(["/usr/local/bin/report", "--full"]), environment: ["A": "b", "N": "3"],
                    inheritEnvironment: ["LANGUAGE"], directory: "/tmp", user: "nobody", input: "hello",
                    successCodes: [0, 2]))
        #expect(!job.enabled)
        #expect(job.policies.overlap == .queue(max: 5))
        #expect(job.policies.catchUp == .all(limit: 10, rate: 2.5))
        #expect(job.policies.window == 3_600_000_000)
        #expect(job.policies.timeout == 2_000_000)
        #expect(job.policies.startTimeout == 500_000)
        #expect(
            job.policies.retry
                == Retry(attempts: 3, backoff: 30_000_000, longestBackoff: 300_000_000, on: [.timeout]))
        #expect(job.policies.onLost == .retry)
        #expect(job.policies.maxRuns == 7)
    }

    /// Line and key of each mistake, and a piece of what is said.
    @Test(arguments: [
        ("cron = \"61 * * * *\"", 3, "cron", "61 is out of range"),
        ("cron = \"* * * *\"", 3, "cron", "field"),
        ("cron = \"0 0 30 2 *\"", 3, "cron", "no such date"),
        ("cron = \"0 0 * * * 2027\"", 3, "cron", "dialect = \"btu\""),
        ("cron = 5", 3, "cron", "expected text, found a whole number"),
        ("every = \"15 fortnights\"", 3, "every", "not a length of time"),
        ("every = \"0s\"", 3, "every", "out of range"),
        ("every = true", 3, "every", "expected a length of time"),
        ("at = \"tomorrow\"", 3, "at", "is not a time"),
        ("at = \"2026-13-01T00:00:00Z\"", 3, "at", "is not a time"),
        ("day_time = \"Fryday 10:00PM\"", 3, "day_time", "not a day and a time"),
        ("cron = \"@daily\"\nevery = \"1m\"", 4, "every", "one schedule"),
        ("cron = \"@daily\"\ndialect = \"vixie\"", 4, "dialect", "none of"),
        ("cron = \"@daily\"\ntime_zone = \"Europe/Berln\"", 4, "time_zone", "Europe/Berlin"),
        ("cron = \"@daily\"\ndst = { gap = \"maybe\" }", 4, "dst.gap", "none of"),
        ("cron = \"@daily\"\njitter = \"-3s\"", 4, "jitter", "not a length of time"),
        ("cron = \"@daily\"\nexclude = [\"25.12.2026\"]", 4, "exclude", "is not a date"),
        ("cron = \"@daily\"\ncalendar = \"/nowhere/x\"", 4, "calendar", "no such file"),
        ("cron = \"@daily\"\novrelap = \"skip\"", 4, "ovrelap", "did you mean overlap?"),
        ("cron = \"@daily\"\noverlap = \"never\"", 4, "overlap", "none of"),
        ("cron = \"@daily\"\noverlap = { queue = 0 }", 4, "overlap.queue", "out of range"),
        ("cron = \"@daily\"\ncatch_up = { all = 0 }", 4, "catch_up.all", "out of range"),
        ("cron = \"@daily\"\ncatch_up = [1]", 4, "catch_up", "expected text"),
        ("cron = \"@daily\"\nretry = { backoff = \"1s\" }", 4, "retry", "attempts"),
        ("cron = \"@daily\"\nretry = 3", 4, "retry", "expected a table"),
        ("cron = \"@daily\"\nretry = { attempts = 2, on = [\"rain\"] }", 4, "retry.on", "none of"),
        ("cron = \"@daily\"\ntimeout = \"soon\"", 4, "timeout", "not a length of time"),
        ("cron = \"@daily\"\nenabled = \"yes\"", 4, "enabled", "expected true or false, found text"),
        ("cron = \"@daily\"\nmax_runs = 0", 4, "max_runs", "out of range"),
        ("cron = \"@daily\"\nenv = { \"A=B\" = \"c\" }", 4, "env", "cannot be the name of a variable"),
        ("cron = \"@daily\"\nsuccess_codes = [256]", 4, "success_codes", "0 to 255"),
        ("cron = \"@daily\"\nshell = \"true\"", 4, "shell", "this one has exec and shell"),
        ("cron = \"@daily\"\nrq = { function = 3 }", 4, "rq", "this one has exec and rq"),
        ("cron = \"@daily\"\ntags = [1]", 4, "tags", "element 1"),
        ("cron = \"@daily\"\nheartbeat_timeout = \"1m\"", 4, "heartbeat_timeout", "no signs of life"),
        ("cron = \"H * * * *\"\nuser = 3", 4, "user", "expected text"),
    ])
    func eachMistakeIsSaidAtItsPlace(_ toml: String, _ line: Int, _ key: String, _ piece: String) throws {
        let snapshot = try read("[[job]]\nname = \"a\"\n\(toml)\nexec = [\"x\"]\n")
        #expect(snapshot.jobs.isEmpty)
        #expect(snapshot.problems.count == 1, "\(snapshot.problems)")
        let problem = try #require(snapshot.problems.first)
        #expect(problem.line == line)
        #expect(problem.key == key)
        #expect(problem.job == "a")
        #expect(problem.message.contains(piece), "\(problem.message)")
    }

    @Test(arguments: [
        ("[[job]]\nevery = \"1m\"\nexec = [\"x\"]", "a job needs a name"),
        ("[[job]]\nname = \"a\"\nevery = \"1m\"", "a job needs exec, shell, rq or bus"),
        ("[[job]]\nname = \"a\"\nexec = []", "expected a program"),
        ("[[job]]\nname = \"a\"\nevery = \"1m\"\nenabled = true", "a job needs exec, shell, rq or bus"),
        ("[[job]]\nname = \"\"\nexec = [\"x\"]", "must not be empty"),
        ("[job]\nname = \"a\"", "expected a list of jobs"),
        ("[[jobs]]\nname = \"a\"", "did you mean job?"),
    ])
    func whatIsMissingIsSaid(_ toml: String, _ piece: String) throws {
        let snapshot = try read(toml)
        #expect(snapshot.jobs.isEmpty)
        #expect(snapshot.problems.count == 1, "\(snapshot.problems)")
        #expect(snapshot.problems.contains { $0.message.contains(piece) }, "\(snapshot.problems)")
    }

    @Test func theKeysOfAWorkersCallAreRead() throws {
        let snapshot = try read(
            """
            [[job]]
            name = "a"
            every = "1m"
            heartbeat_timeout = "1m"
            env = { A = "1" }
            [job.rq]
            function = "shop.tasks.send"
            args = [1, "two", 3.5, true, [4], { five = 5 }]
            kwargs = { six = 6 }
            queue = "mail"
            timeout = "10m"
            result_ttl = 0
            serializer = "json"
            description = "sends"
            """)
        // What belongs to a program, or to an executor that gives signs of life, is refused at its place.
        #expect(
            snapshot.problems.map(\.key) == ["env", "heartbeat_timeout"] && snapshot.problems.map(\.line) == [5, 4])
        let taken = try read(
            """
            [[job]]
            name = "a"
            [job.rq]
            function = "shop.tasks.send"
            args = [1, "two", 3.5, true, [4], { five = 5 }]
            kwargs = { six = 6 }
            queue = "mail"
            timeout = "10m"
            result_ttl = 0
            serializer = "json"
            description = "sends"
            """)
        #expect(taken.problems == [])
        let expected = RQTarget(
            function: "shop.tasks.send",
            arguments: [
                .integer(1), .text("two"), .double(3.5), .bool(true), .list([.integer(4)]),
                .map([.init("five", .integer(5))]),
            ], keywords: [.init("six", .integer(6))], queue: "mail", timeout: 600, resultTTL: 0, serializer: .json,
            describedAs: "sends")
        #expect(try taken.jobs.first?.target == Target(expected))
        // Workers queue what comes: their runs may overlap unless somebody says otherwise.
        #expect(taken.jobs.first?.policies.overlap == .allow)
    }

    @Test(arguments: [
        ("function = \"send\"", "rq.function", "dotted path"), ("queue = \"mail\"", "rq", "needs function"),
        ("function = \"a.b\"\nqueue = \"two words\"", "rq.queue", "without spaces"),
        ("function = \"a.b\"\nargs = 1", "rq.args", "expected a list"),
        ("function = \"a.b\"\nkwargs = []", "rq.kwargs", "expected a table"),
        ("function = \"a.b\"\ntimeout = 0", "rq.timeout", "out of range"),
        ("function = \"a.b\"\ntimeout = \"1500ms\"", "rq.timeout", "whole seconds"),
        ("function = \"a.b\"\nresult_ttl = -2", "rq.result_ttl", "out of range"),
        ("function = \"a.b\"\nserializer = \"yaml\"", "rq.serializer", "none of"),
        ("function = \"a.b\"\nserializer = \"json\"\nargs = [nan]", "rq.args", "JSON has no nan"),
        ("function = \"a.b\"\nqueu = \"x\"", "rq.queu", "did you mean queue?"),
    ])
    func aWorkersCallThatMakesNoSenseIsSaid(_ keys: String, _ key: String, _ piece: String) throws {
        let snapshot = try read("[[job]]\nname = \"a\"\n[job.rq]\n\(keys)\n")
        #expect(snapshot.problems.map(\.key) == [key], "\(snapshot.problems)")
        #expect(snapshot.problems.first?.message.contains(piece) == true, "\(snapshot.problems)")
    }

    @Test(arguments: [
        (ConfigDocument.Format.toml, "[[job]]\nname = \"a\"\nexec = [\"x\n", 3),
        (.yaml, "job:\n  - name: a\n    exec: [x\n", 4),
        (.json, "{\"job\": [\n  {\"name\": \"a\",,}\n]}", 2),
        (.yaml, "job:\n  - name: a\n    name: b\n", 3),
    ])
    func brokenTextIsSaidWithItsLine(_ format: ConfigDocument.Format, _ text: String, _ line: Int) throws {
        let problem = try #require(throws: ConfigProblem.self) {
            try ConfigDocument.read(text, format: format, path: "f")
        }
        #expect(problem.line == line, "\(problem)")
    }

    /// A date without a zone is the job's, wherever it stands and however it is quoted.
    @Test(arguments: [
        ("at = 2026-12-24T18:00:00", "2026-12-24T23:00:00Z"), ("at = 2026-12-24 18:00:00", "2026-12-24T23:00:00Z"),
        ("at = \"2026-12-24T18:00:00\"", "2026-12-24T23:00:00Z"), ("at = 2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z"),
        ("at = 2026-12-24 18:00:00+01:00", "2026-12-24T17:00:00Z"),
        ("at = 2026-12-24T18:00:00.25", "2026-12-24T23:00:00.250000Z"),
    ])
    func datesOfTOMLMeanWhatTheySay(_ line: String, _ expected: String) throws {
        let snapshot = try read(
            "[[job]]\nname = \"a\"\nexec = [\"x\"]\ntime_zone = \"America/New_York\"\nexclude = [2026-12-25]\n"
                + "starts_at = 2026-01-01T00:00:00\n\(line)\n")
        let job = try #require(snapshot.jobs.first, "\(snapshot.problems)")
        let schedule = try job.schedule.compile(job: "a", zones: ZoneDatabase())
        #expect(schedule?.rule == .once(try #require(Timestamp(rfc3339: expected))))
        #expect(job.schedule.startsAt == Timestamp(rfc3339: "2026-01-01T05:00:00Z"))
        #expect(job.schedule.exclusions.first?.dates == ["2026-12-25"])
    }

    @Test(arguments: ["at = 2026-12-24", "at = 18:00:00", "starts_at = 2026-12-24"])
    func aDayOrATimeAloneIsNoMoment(_ line: String) throws {
        let snapshot = try read("[[job]]\nname = \"a\"\nexec = [\"x\"]\n\(line)\n")
        #expect(snapshot.problems.map(\.line) == [4])
        #expect(snapshot.problems.first?.message.contains("is not a time") == true)
    }

    /// A version, a postal code, a mode, a commit: none of them is the number it looks like.
    @Test func variablesAreAsWritten() throws {
        let yaml = try ConfigDocument.read(
            "job:\n- name: y\n  shell: env\n  env: { A: 3.10, B: 01234, C: 0755, D: 25921e05, E: 0x1F, F: +49, G: 0.00001, H: True }\n",
            format: .yaml, path: "y.yaml")
        let reader = JobFileReader(JobReader(zones: ZoneDatabase()))
        let expected = [
            "A": "3.10", "B": "01234", "C": "0755", "D": "25921e05", "E": "0x1F", "F": "+49", "G": "0.00001",
            "H": "True",
        ]
        #expect(environment(reader.read(yaml, path: "y.yaml", isMain: false)) == expected)
        let toml = try read(
            "[[job]]\nname = \"t\"\nshell = \"env\"\nenv = { A = 3.10, B = 0o755, C = 1_000, D = 1e5, E = true }")
        #expect(environment(toml) == ["A": "3.10", "B": "0o755", "C": "1_000", "D": "1e5", "E": "true"])
        let json = try ConfigDocument.read(
            #"{"job": [{"name": "j", "shell": "env", "env": {"A": 3.10, "B": 1E5}}]}"#, format: .json, path: "j.json")
        #expect(environment(reader.read(json, path: "j.json", isMain: false)) == ["A": "3.10", "B": "1E5"])
    }

    private func environment(_ snapshot: FeedSnapshot) -> [String: String]? {
        try? snapshot.jobs.first?.target.open(as: ExecTarget.self).environment
    }

    /// Some count them as seconds, others as milliseconds.
    @Test(arguments: [
        ("every = 5", "every"), ("every = \"5\"", "every"), ("timeout = 30", "timeout"),
        ("timeout = \"30\"", "timeout"),
        ("window = 1", "window"), ("jitter = 1000", "jitter"), ("start_timeout = 1", "start_timeout"),
        ("retry = { attempts = 2, backoff = 10 }", "retry.backoff"), ("timeout = -1", "timeout"),
    ])
    func aBareNumberIsNoLengthOfTime(_ line: String, _ key: String) throws {
        let snapshot = try read("[[job]]\nname = \"a\"\nexec = [\"x\"]\n\(line)\n")
        #expect(snapshot.problems.map(\.key) == [key] && snapshot.problems.map(\.line) == [4])
        let message = try #require(snapshot.problems.first?.message)
        #expect(message.contains("has no unit; is it") && message.contains("ms\"?"), "\(message)")
    }

    @Test func zeroAndRQsSecondsStay() throws {
        let snapshot = try read(
            "[[job]]\nname = \"a\"\njitter = 0\nwindow = \"0\"\nrq = { function = \"a.b\", timeout = 180, result_ttl = -1 }"
        )
        #expect(snapshot.problems == [])
        let target = try #require(try snapshot.jobs.first?.target.open(as: RQTarget.self))
        #expect(target.timeout == 180 && target.resultTTL == -1)
    }

    @Test func moreThanOnceASecondDeservesAWord() throws {
        let snapshot = try read("[[job]]\nname = \"a\"\nevery = \"250ms\"\nexec = [\"x\"]\n")
        #expect(snapshot.jobs.count == 1 && snapshot.problems == [])
        #expect(snapshot.warnings.map(\.key) == ["every"] && snapshot.warnings.map(\.line) == [3])
    }

    /// Whoever stores or sends them goes no deeper than some hundreds.
    @Test(arguments: [("args", "[", "]"), ("kwargs", "{ a = ", "}")])
    func argumentsThatNestTooDeepAreTheirJobsProblem(_ key: String, _ open: String, _ close: String) throws {
        func nested(_ levels: Int) -> String {
            String(repeating: open, count: levels) + (key == "args" ? "" : "1")
                + String(repeating: close, count: levels)
        }
        func job(_ levels: Int) -> String {
            "[[job]]\nname = \"a\(levels)\"\nrq = { function = \"a.b\", \(key) = \(nested(levels)) }\n"
        }
        let snapshot = try read(job(PlainValue.deepest) + job(PlainValue.deepest + 1))
        #expect(snapshot.jobs.map(\.name) == ["a64"])
        #expect(snapshot.problems.map(\.job) == ["a65"] && snapshot.problems.map(\.key) == ["rq.\(key)"])
        #expect(snapshot.problems.map(\.line) == [6])
    }

    /// An escape can write one where the text itself has none.
    @Test(arguments: [
        "directory = \"/tmp\\u0000x\"", "user = \"\\u0000\"", "tags = [\"a\\u0000\"]", "env = { A = \"\\u0000\" }",
    ])
    func noTextEndsAtANUL(_ line: String) throws {
        let snapshot = try read("[[job]]\nname = \"a\"\nexec = [\"x\"]\n\(line)\n")
        #expect(snapshot.problems.first?.message.contains("NUL") == true && snapshot.problems.map(\.line) == [4])
    }
}
