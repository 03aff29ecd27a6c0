import ArgumentParser
import CarillonCLI
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import EchoIntegration
import Testing
import Timetable

/// The keys of a job on the command line.
@Suite struct JobOptionsTests {
    private func job(_ arguments: String...) throws -> Job {
        let node = try JobOptions.parse(arguments).node(name: "a")
        let targets = Composition.carillon.targets + Echo.targets
        return try JobReader(targets: targets, zones: ZoneDatabase()).read(node, source: "command line", place: "a")
            .get()
    }

    private func problem(_ arguments: String...) -> String? {
        do {
            let node = try JobOptions.parse(arguments).node(name: "a")
            let reader = JobReader(targets: Composition.carillon.targets, zones: ZoneDatabase())
            _ = try reader.read(node, source: "command line", place: "a").get()
            return nil
        } catch let failure as Failure {
            return failure.code == 2 ? failure.message : "code \(failure.code)"
        } catch {
            return "\(error)"
        }
    }

    @Test func anyKeyIsSet() throws {
        let job = try job(
            "--set", "cron=0 2 * * *", "--set", "echo=hello, world", "--set", "retry.attempts=3", "--set",
            "retry.backoff=5s", "--set", "tags=[\"a\", \"b\"]", "--set", "spread=true", "--zone", "Europe/Berlin")
        #expect(job.schedule.summary == "0 2 * * *" && job.schedule.zone == "Europe/Berlin" && job.schedule.spread)
        #expect(try job.target.open(as: EchoTarget.self).line == "hello, world")
        #expect(job.policies.retry.attempts == 3 && job.policies.retry.backoff == 5_000_000 && job.tags == ["a", "b"])
    }

    @Test func mistakesAreNamed() {
        #expect(problem("--set", "nonsense") == "--set: expected KEY=VALUE, found 'nonsense'")
        #expect(problem("--set", "=x") == "--set: expected KEY=VALUE, found '=x'")
        #expect(problem("--set", "a b=x") == "--set: 'a b' is no key of a job")
        #expect(problem("--every", "1h", "--set", "every=2h") == "--set: every is given twice")
        #expect(
            problem("--attempts", "2", "--set", "retry.attempts=3", "--shell", "x")
                == "--set: retry.attempts is given twice")
        #expect(
            problem("--set", "shel=x", "--shell", "true")
                == "command line: job 'a': shel: unknown key; did you mean shell?")
    }
}
