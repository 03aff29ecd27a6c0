import CarillonCLI
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Testing
import Timetable

/// What a person sees on a terminal.
@Suite struct PrintingTests {
    private static func table() -> TextTable {
        var table = TextTable(.fixed("RUN"), "JOB", .fixed("SCHEDULED"), .first("REMARK"))
        table.add(
            .init("6b07d8e418"), .init("payroll of the whole house"), .init("19:00 EST, 3 h ago"), .init("exit code 3"))
        table.add(.init("6b07d8e419"), .init("日本 job"), .init("in 5 s"), .init(""))
        return table
    }

    private func text(_ table: TextTable, _ width: Int?) -> [String] { table.lines(width: width).map(\.plain) }

    @Test func inAPipeNothingIsCut() {
        #expect(
            text(Self.table(), nil) == [
                "RUN         JOB                         SCHEDULED           REMARK",
                "6b07d8e418  payroll of the whole house  19:00 EST, 3 h ago  exit code 3",
                "6b07d8e419  日本 job                    in 5 s",
            ])
    }

    @Test(arguments: [80, 66, 60, 48, 40, 10])
    func theRemarkGivesWayFirstAndTimesNever(_ width: Int) {
        let lines = text(Self.table(), width)
        if width >= 44 { #expect(lines.allSatisfy { $0.cells <= width }, "\(lines)") }
        #expect(lines[1].contains("6b07d8e418") && lines[1].contains("19:00 EST, 3 h ago"))
        #expect(lines[1].contains("payroll of the whole house") == (width >= 60))
        #expect(lines[1].contains("exit code 3") == (width >= 73))
    }

    @Test(arguments: [("a", 1), ("日本", 4), ("é", 1), ("e\u{301}", 1), ("🚀", 2), ("☂️", 2), ("👩‍👩‍👧", 2), ("", 0)])
    func widthsAreCells(_ text: String, _ cells: Int) { #expect(text.cells == cells) }

    @Test func whatIsCutEndsInAnEllipsis() {
        #expect("日本語".cut(to: 4) == "日…")
        #expect("日本語".cut(to: 6) == "日本語")
        #expect("abc".cut(to: 2) == "a…")
    }

    @Test(arguments: [
        ("2026-11-26T19:00:00Z", "20:00 CET"), ("2026-11-26T23:30:00Z", "Fri 00:30 CET"),
        ("2026-11-25T19:00:05Z", "Wed 20:00:05 CET"), ("2026-12-24T17:00:00Z", "2026-12-24 18:00 CET"),
        ("2026-11-20T11:00:00Z", "Fri 12:00 CET"), ("2026-11-19T11:00:00Z", "2026-11-19 12:00 CET"),
    ])
    func aTimeIsAsShortAsItsDayAllows(_ time: String, _ words: String) throws {
        let now = try #require(Timestamp(rfc3339: "2026-11-26T12:00:00Z"))
        let formatter = TimeFormatter(now: now)
        #expect(formatter.short(try #require(Timestamp(rfc3339: time)), "Europe/Berlin") == words)
    }

    @Test func anotherZoneCountsMoreThanTheJobs() throws {
        let now = try #require(Timestamp(rfc3339: "2026-11-26T12:00:00Z"))
        let formatter = TimeFormatter(now: now, in: try ZoneDatabase().zone("Asia/Tokyo"))
        #expect(formatter.both(now, "Europe/Berlin") == "2026-11-26 21:00:00 JST (now)")
    }

    @Test(arguments: [(0, "0 jobs"), (1, "1 job"), (2_412, "2,412 jobs"), (1_000_000, "1,000,000 jobs")])
    func numbersAndNouns(_ count: Int, _ words: String) { #expect(Counted.noun(count, "job") == words) }
}

/// The words of a command line before they are parsed.
@Suite struct ArgumentsTests {
    private func prepared(_ words: String...) throws(Failure) -> [String] {
        try Arguments.prepared(words, root: Carillon.self)
    }

    @Test func optionsOfEveryCommandMayStandBeforeIt() throws {
        #expect(try prepared("--state-dir", "/s", "jobs", "list") == ["jobs", "list", "--state-dir", "/s"])
        #expect(
            try prepared("--config=/c", "--client-timeout", "1s", "jobs", "add", "x", "--", "a", "--config", "b")
                == ["jobs", "add", "x", "--config=/c", "--client-timeout", "1s", "--", "a", "--config", "b"])
        #expect(try prepared("--version") == ["--version"])
        #expect(try prepared() == [])
    }

    @Test func aLinkOfAnotherNameIsThatProgram() {
        #expect(Arguments.called("/usr/bin/btu", ["list-jobs", "--json"]) == ["btu", "list-jobs", "--json"])
        #expect(
            Arguments.called("btu-daemon", ["--shadow"])
                == ["serve", "--btu", "/etc/btu_scheduler/btu_scheduler.toml", "--shadow"])
        #expect(Arguments.called("btu_scheduler_daemon", ["--btu", "/x"]) == ["serve", "--btu", "/x"])
        #expect(Arguments.called("/usr/bin/carillon", ["jobs"]) == ["jobs"])
    }

    /// As Simple Scheduler's program takes them: alone, with a value, and joined.
    @Test func switchesOfAJobHaveAValue() throws {
        #expect(
            try prepared("-u", "http://h/api", "add", "job", "-n", "a", "-c", "-e=false", "-i", "5")
                == ["add", "job", "-n", "a", "-c", "true", "-e", "false", "-i", "5", "-u", "http://h/api"])
        #expect(try prepared("u", "j", "--enabled", "F", "-n", "a") == ["u", "j", "-e", "F", "-n", "a"])
        #expect(try prepared("login", "-c", "x") == ["login", "-c", "x"])
    }

    @Test(arguments: [["--url", "http://h", "serve"], ["store", "show", "-u", "x"], ["--context=a", "validate"]])
    func whatIsAboutThisMachineTakesNoAddress(_ words: [String]) {
        let failure = #expect(throws: Failure.self) { try Arguments.prepared(words, root: Carillon.self) }
        #expect(failure?.code == 2 && failure?.message.contains("is about this machine") == true)
    }

    @Test(arguments: [
        (["job", "list"], "there is no command 'job'; did you mean jobs?"),
        (["jobs", "lst"], "there is no command 'jobs lst'; did you mean list?"),
        (["frobnicate"], "there is no command 'frobnicate'; see `carillon --help`"),
    ])
    func aCommandThatThereIsNotIsSaid(_ words: [String], _ message: String) {
        let failure = #expect(throws: Failure.self) { try Arguments.prepared(words, root: Carillon.self) }
        #expect(failure?.message == message && failure?.code == 2)
    }

    @Test func aWordAfterAGroupWithADefaultIsItsOwn() throws {
        #expect(try prepared("jobs", "pay*") == ["jobs", "pay*"])
        #expect(try prepared("help", "jobs") == ["help", "jobs"])
    }
}
