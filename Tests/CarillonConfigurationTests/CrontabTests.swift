import CarillonConfiguration
import CarillonCore
import Testing
import Timetable

@Suite struct CrontabTests {
    /// What the written file means once it is read back.
    private func jobs(_ text: String, isSystem: Bool = false) throws -> [Job] {
        var writer = CrontabWriter(zone: "Europe/Berlin", user: nil)
        let written = writer.write(Crontab(text, isSystem: isSystem), source: "test")
        let node = try ConfigDocument.read(written, format: .toml, path: "c.toml")
        let snapshot = JobFileReader(JobReader(zones: ZoneDatabase())).read(node, path: "c.toml", isMain: false)
        #expect(snapshot.problems == [], "\(written)")
        return snapshot.jobs
    }

    private func exec(_ job: Job) -> ExecTarget {
        guard case .exec(let target) = job.target else { preconditionFailure("a crontab holds programs only") }
        return target
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
        #expect(exec(jobs[0]).command == .shell("/usr/local/bin/backup --all \"a b\" > /dev/null"))
        #expect(exec(jobs[0]).environment == ["PATH": "/usr/bin:/bin"])
        #expect(jobs[0].schedule.zone == "Europe/Berlin")
        #expect(jobs[1].schedule.zone == "America/New_York")
        #expect(exec(jobs[2]).input == "line one\nline two % done\n")
        #expect(jobs.allSatisfy { $0.policies.catchUp == .skip && $0.policies.overlap == .allow })
    }

    @Test func aSystemCrontabHasUsersAndShells() throws {
        let jobs = try jobs(
            "SHELL=/bin/bash\n17 *\t* * *\troot\tcd / && run-parts /etc/cron.hourly\n", isSystem: true)
        #expect(exec(jobs[0]).user == "root")
        #expect(exec(jobs[0]).command == .argv(["/bin/bash", "-c", "cd / && run-parts /etc/cron.hourly"]))
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
}
