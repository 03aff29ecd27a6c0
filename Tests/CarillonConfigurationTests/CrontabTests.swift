import CarillonConfiguration
import CarillonCore
import ExecDispatcher
import ExecIntegration
import Testing
import Timetable

@Suite struct CrontabTests {
    /// What the written file means once it is read back.
    private func jobs(
        _ text: String, isSystem: Bool = false, prefix: String = "", taken: Set<String> = []
    ) throws -> [Job] {
        var writer = CrontabWriter(zone: "Europe/Berlin", user: nil, prefix: prefix, taken: taken)
        let written = writer.write(Crontab(text, isSystem: isSystem), source: "test")
        let node = try ConfigDocument.read(written, format: .toml, path: "c.toml")
        let snapshot = JobFileReader(JobReader(zones: ZoneDatabase())).read(node, path: "c.toml", isMain: false)
        #expect(snapshot.problems == [], "\(written)")
        return snapshot.jobs
    }

    private func exec(_ job: Job) throws -> ExecTarget {
        try job.target.open(as: ExecTarget.self)
    }

    @Test func aUserCrontab() throws {
        let jobs = try jobs(
            """
            # nightly
            MAILTO=ops@example.org
            PATH = "/usr/bin:/bin"
            30 2 * * 1-5 /usr/local/bin/backup --all "a b" > /dev/null
            CRON_TZ=America/New_York
            @daily cd /srv && ./clean
            */5 * * * * mail -s hi me%line one%line two \\% done
            """)
        #expect(jobs.map(\.name) == ["backup", "srv", "mail"])
        #expect(try exec(jobs[0]).command == .shell("/usr/local/bin/backup --all \"a b\" > /dev/null"))
        #expect(try exec(jobs[0]).environment == ["PATH": "/usr/bin:/bin"])
        #expect(jobs[0].schedule.zone == "Europe/Berlin")
        #expect(jobs[1].schedule.zone == "America/New_York")
        #expect(try exec(jobs[2]).input == "line one\nline two % done\n")
        #expect(jobs.allSatisfy { $0.policies.catchUp == .skip && $0.policies.overlap == .allow })
    }

    @Test func aSystemCrontabHasUsersAndShells() throws {
        let jobs = try jobs(
            "SHELL=/bin/bash\n17 *\t* * *\troot\tcd / && run-parts /etc/cron.hourly\n", isSystem: true)
        #expect(try exec(jobs[0]).user == "root")
        #expect(try exec(jobs[0]).command == .argv(["/bin/bash", "-c", "cd / && run-parts /etc/cron.hourly"]))
        #expect(jobs[0].schedule.rule == .cron("17 * * * *", .unix, anchor: Timestamp(seconds: 0)))
    }

    @Test func whatCronWouldRefuseIsNamedByLine() {
        let crontab = Crontab("\n99 * * * * x\n* * * *\n1 2 3 4 5\n0 0 * * * ok\n", isSystem: false)
        #expect(crontab.problems.map(\.line) == [2, 3, 4])
        #expect(crontab.entries.map(\.command) == ["ok"])
    }

    @Test func namesAreUnique() throws {
        let jobs = try jobs("0 1 * * * x.sh\n0 2 * * * x.sh\n0 3 * * * FOO=1 /a/x.sh\n")
        #expect(Set(jobs.map(\.name)).count == 3)
    }

    @Test func linesMayEndInCRLF() throws {
        let jobs = try jobs("\u{FEFF}# a\r\nMAILTO=\"\"\r\n30 2 * * * /opt/a.sh\r\n\r\n15 4 * * 1 /opt/b.sh -x\r\n")
        #expect(try jobs.map { try exec($0).command } == [.shell("/opt/a.sh"), .shell("/opt/b.sh -x")])
    }

    @Test func aCommentMayHoldAnything() throws {
        let text =
            "# page 2 \u{0C} of the \u{1B}[31mold\u{7F} list\rx\nMAILTO=a\u{1}b\n0 5 * * * /srv/a\n0 6 * * * /srv/b\n"
        #expect(try jobs(text).map(\.name) == ["a", "b"])
        var writer = CrontabWriter(zone: "UTC", user: nil)
        let source = "a\n[[job]]\u{1B}"
        #expect(
            writer.write(Crontab("1 2 3\n", isSystem: false), source: source).hasPrefix(
                "# From the crontab a [[job]] ."))
    }

    @Test func whatIsNotUTF8IsRefusedByItsLine() throws {
        let bytes =
            Array("# \u{0}\n0 5 * * * /srv/d".utf8) + [0xE9] + Array("\n# ".utf8) + [0xE9]
            + Array("\n0 6 * * * b\n".utf8)
        let crontab = Crontab(bytes, isSystem: false)
        #expect(crontab.problems.map(\.line) == [2])
        #expect(crontab.problems.first?.message.contains("iconv -f LATIN1 -t UTF-8") == true)
        #expect(crontab.entries.map(\.command) == ["b"])
        #expect(crontab.entries.first?.comments == ["é"])
        #expect(Crontab("0 5 * * * a\0b\n", isSystem: false).problems.map(\.message) == ["holds a NUL"])
    }

    @Test func aMinusInFrontAndRandomRangesAreTaken() throws {
        let jobs = try jobs(
            "-*/15 * * * * root test -x /usr/lib/cron/run-crons\n15~45 2 * * * root /srv/a\n~ 6~18,20~ ~9 * * root /srv/b\n",
            isSystem: true)
        let rules = jobs.map(\.schedule.rule)
        let crons = ["*/15 * * * *", "H(15-45) 2 * * *", "H H(6-18),H(20-23) H(1-9) * *"]
        #expect(rules == crons.map { .cron($0, .unix, anchor: Timestamp(seconds: 0)) })
        var writer = CrontabWriter(zone: "UTC", user: nil)
        let written = writer.write(Crontab("15~45 2 * * * a\n45~15 * * * * b\n", isSystem: false), source: "x")
        #expect(written.contains("# cron drew 15~45 2 * * * at random; H takes a fixed value"))
        #expect(writer.problems.map(\.line) == [2])
    }

    /// Debian's do_command.c, by its own words.
    @Test(
        arguments: [
            ("a %", "a ", nil), ("a b  ", "a b  ", nil), ("a \\% b", "a % b", nil), ("a \\\\ b", "a \\ b", nil),
            ("a \\\\%b", "a \\", "b\n"), ("a \\n\\", "a \\n\\", nil), ("a%b%", "a", "b\n"), ("a%%", "a", "\n"),
            ("a%b\\%c%d\\e\\\\f", "a", "b%c\nd\\e\\\\f\n"), ("a%b\\", "a", "b\\\n"),
        ] as [(String, String, String?)])
    func percentSignsAreDebians(_ line: String, _ command: String, _ input: String?) {
        let entry = Crontab("* * * * * \(line)", isSystem: false).entries.first
        #expect(entry?.command == command && entry?.input == input)
    }

    @Test func anEmptyZoneIsTheMachinesAndAnUnknownOneIsRefused() throws {
        let text = "CRON_TZ=Asia/Tokyo\n0 1 * * * a\nCRON_TZ=\n0 2 * * * b\nCRON_TZ=Mars\n0 3 * * * c\n"
        var writer = CrontabWriter(zone: "Europe/Berlin", user: nil)
        let written = writer.write(Crontab(text, isSystem: false), source: "x")
        #expect(
            written.contains("Asia/Tokyo") && written.contains("Europe/Berlin") && !written.contains("name = \"c\""))
        #expect(writer.problems.map(\.line) == [6] && writer.count == 2)
    }

    @Test func namesComeFromThePathAndGiveWay() throws {
        let text = "1 * * * * /srv/shop/cron.sh\n2 * * * * php /srv/forum/bin/cron.php\n3 * * * * /srv/x/backup\n"
        #expect(try jobs(text).map(\.name) == ["shop-cron", "forum-cron", "backup"])
        let taken: Set<String> = ["shop-cron", "backup"]
        #expect(try jobs(text, taken: taken).map(\.name) == ["shop-cron-1", "forum-cron", "x-backup"])
        #expect(try jobs(text, prefix: "old-").map(\.name) == ["old-shop-cron", "old-forum-cron", "old-backup"])
        #expect(try jobs(text, prefix: "old-", taken: ["old-backup"]).map(\.name)[2] == "old-x-backup")
    }

    @Test(
        arguments: [
            ("# x\n17 * * * * root cd / && x\n", 2), ("PATH=/bin\n@daily www-data /srv/a b\n", 2),
            ("1 2 3 4 5 root\n", nil),
            ("0 5 * * * mail -s hi me\n", nil), ("0 5 * * * /srv/a root b\n", nil), ("", nil),
        ] as [(String, Int?)])
    func aUserColumnIsSeen(_ text: String, _ line: Int?) {
        let found = CrontabForm.userColumn(
            in: Array(text.utf8), isUser: { ["www-data", "mail"].contains($0) }, isProgram: { $0 == "mail" })
        #expect(found?.line == line)
    }

    @Test func whatIsNoUserIsNamed() {
        let crontab = Crontab("0 5 * * * /srv/a b\n", isSystem: true)
        #expect(crontab.problems.map(\.message) == ["expected a user in the sixth field, found '/srv/a'"])
    }

    /// What cannot be read back is not written, and named.
    @Test func whatWasWrittenIsRead() throws {
        var writer = CrontabWriter(zone: "UTC", user: nil)
        let text = "B\u{E4}R=1\n0 5 * * * a\nPATH=/x\n"
        _ = try ConfigDocument.read(
            writer.write(Crontab(text, isSystem: false), source: "x"), format: .toml, path: "c.toml")
        #expect(writer.count + writer.problems.count == 1)
    }
}
