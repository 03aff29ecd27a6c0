import BTUSocket
import CarillonCLI
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonTestSupport
import ControlBus
import ExecIntegration
import Foundation
import KeijiIntegration
import Listening
import NIOCore
import RedisClient
import Testing
import Timetable

/// Input as nobody would write it, for whatever reads: each is read or refused, soon, and nobody dies of it.
///
/// `scripts/fuzz.sh` throws as much as one likes.
@Suite(.serialized, .timeLimit(.minutes(60))) struct FuzzTests {
    private let zones = ZoneDatabase()

    /// No input of 64 KiB may take longer.
    private static let longest = Duration.seconds(1)

    /// Throws spoilt forms of these texts at `read`, and fails on the first that takes too long.
    private func fuzz(
        _ name: String, _ samples: [String], rounds: Int, _ read: ([UInt8]) throws -> Void
    ) rethrows {
        let seed = Fuzz.seed
        var mangler = Mangler(seed: seed)
        let texts = samples.map { Array($0.utf8) }
        let clock = ContinuousClock()
        var slowest = Duration.zero
        for round in 0..<Fuzz.rounds(rounds) {
            let input = mangler.mangle(mangler.pick(texts), with: texts)
            let start = clock.now
            try read(input)
            let took = start.duration(to: clock.now)
            slowest = max(slowest, took)
            if took > Self.longest {
                Issue.record("\(name), seed \(seed), round \(round): \(input.count) bytes took \(took)")
                break
            }
        }
        print("fuzz: \(name) from seed \(seed), slowest \(slowest)")
    }

    private static let toml = [
        """
        time_zone = "Europe/Berlin"
        [store]
        url = "sqlite:carillon.db"
        [redis]
        url = "redis://127.0.0.1:6379/0"
        [[feed]]
        type = "keiji"
        [notify.email]
        from = "a@b.c"
        to = ["d@e.f"]
        host = "h"
        [[job]]
        name = "nightly"
        cron = "0 19 * * MON-FRI"
        exec = ["/bin/report", "--full"] # why
        timeout = "1h"
        retry = { attempts = 3, backoff = "30s" }
        env = { A = 3.10, B = true, "C.D" = 'x' }
        at = 2026-12-24T18:00:00+01:00
        exclude = [2026-12-25, "2026-12-26"]
        """,
        "a.b.\"c d\" = [1, [2, {x = 0x1F}], 1e3, -inf]\n[t.u]\nv = \"\"\"\nlong\\\n  text\"\"\"\nw = '''raw'''\n[[a.l]]\nz = 07:32:00\n",
        "[[job]]\nname = \"q\"\nevery = \"5s\"\nrq = { function = \"a.b\", args = [1, \"ü\", [[]]], kwargs = { k = nan } }\n",
    ]
    private static let yaml = [
        """
        job:
        - name: a
          every: 15m
          exec: [/bin/echo, "x"]
          env: {T: 3.10, U: 0x1F, V: !!str 5}
        - &anchor
          name: b
          shell: |
            echo long
              text
        - <<: *anchor
          name: >-
            folded
        """,
        "a: &a [x, y]\nb: [*a, *a]\n? complex\n: value\n---\nsecond: document\n", "- - - deep\n- {a: [b, {c: d}]}\n",
    ]
    private static let json = [
        #"{"job":[{"name":"a","every":"1h","exec":["/bin/echo","x"],"env":{"A":1},"enabled":true,"tags":null}]}"#,
        #"{"a":[1,-2.5e3,"\ud83d\ude80 \u00e9\n",{"b":[[],{}]}],"c":false}"#,
    ]

    @Test(arguments: [(ConfigDocument.Format.toml, toml), (.yaml, yaml), (.json, json)])
    func documents(_ format: ConfigDocument.Format, _ samples: [String]) {
        let jobs = JobFileReader(JobReader(targets: Composition.carillon.targets, zones: zones))
        let settings = Composition.carillon.settingsReader(zones: zones, environment: [:])
        fuzz("\(format)", samples, rounds: 1_200) { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let node = try? ConfigDocument.read(text, format: format, path: "f") else { return }
            for job in jobs.read(node, path: "f", isMain: false).jobs {
                #expect(job.fault == nil)
                _ = try? job.schedule.compile(job: job.name, zones: zones)?.next(after: Samples.noon)
                _ = job.digest()
            }
            _ = try? settings.read(node, source: "f")
        }
    }

    @Test func crontabs() {
        let samples = [
            "# words\nMAILTO=\"\"\nCRON_TZ=Europe/Paris\n30 2 * * * /opt/site/backup.sh --all\n@daily date\n",
            "-*/15 * * * *   root  test -x /usr/bin/a && a >/dev/null 2>&1\n15~45 2 * * * root /srv/a\n~ 6~18 * * * root b%in\\%put\n",
            "0 5 * * 1-5\tcd /srv && X=1 ./run.sh\r\n*/7 1,2 L * MON#1 www-data /srv/forum/cron.sh \\\\\r\n",
        ]
        let reader = JobFileReader(JobReader(targets: Composition.carillon.targets, zones: zones))
        fuzz("crontab", samples, rounds: 700) { bytes in
            let crontab = Crontab(bytes, isSystem: bytes.count % 2 == 0, zones: zones)
            var writer = CrontabWriter(zone: "UTC", user: nil, zones: zones)
            let text = writer.write(crontab, source: "tab")
            // What is written reads back, whatever it was made of.
            do throws(ConfigProblem) {
                let node = try ConfigDocument.read(text, format: .toml, path: "t")
                let problems = reader.read(node, path: "t", isMain: false).problems
                if !problems.isEmpty { Issue.record("\(problems[0]) in\n\(text.prefix(2_000))") }
            } catch {
                Issue.record("\(error) in\n\(text.prefix(2_000))")
            }
        }
    }

    @Test func keijiSettings() {
        let samples = [
            "DB_URL=\"default\"\nexport TIME_ZONE='Africa/Nairobi'\nROTATE_LOGS=1 # why\nLOG_MAX_SIZE=1024\n"
        ]
        let reader = KeijiReader(zones: zones, home: "/nonexistent")
        fuzz("keiji", samples, rounds: 700) { bytes in
            _ = try? reader.read(String(decoding: bytes, as: UTF8.self), source: "s")
        }
    }

    @Test func expressions() {
        let samples = [
            "*/5 2 L * MON#1", "0 0 12 ? * 6L 2027", "@every 1h30m", "H(0-29)/10 H * * *",
            "15,45 1-5/2 LW JAN-DEC +SUN", "Friday 10:00PM", "2026-12-24T18:00:00+01:00", "1d2h3m4s5ms6us",
        ]
        let zone = (try? zones.zone("America/New_York")) ?? .utc
        fuzz("schedules", samples, rounds: 3_000) { bytes in
            let text = String(decoding: bytes.prefix(2_000), as: UTF8.self)
            let rules: [Schedule.Rule?] = [
                try? .cron(parsing: text, dialect: .unix, hashKey: "a"),
                try? .cron(parsing: text, dialect: .quartz, hashKey: nil),
                try? .cron(parsing: text, dialect: .btu, hashKey: nil),
                try? .every(parsing: text, anchor: Samples.noon),
                try? .once(parsing: text, zone: zone), try? .dayAndTime(parsing: text),
            ]
            for rule in rules.compactMap({ $0 }) {
                let schedule = Schedule(rule: rule, zone: zone)
                _ = schedule.next(after: Samples.noon).flatMap { schedule.previous(before: $0) }
                _ = schedule.english()
            }
            _ = try? Span.parse(text)
            _ = Timestamp(rfc3339: text)
            _ = try? zones.zone(text)
        }
    }

    @Test func linesOfSockets() {
        let samples = [
            #"{"cmd": "stop", "taskID": "9f0c52a1-43f4-4fd1-8a27-5b1d9c0e6f37", "token": "x"}"# + "\n",
            #"{"request_type": "create_task_schedule", "request_content": "TS-000042"}"#,
        ]
        fuzz("sockets", samples, rounds: 5_000) { bytes in
            _ = try? BusOrder.read(bytes)
            _ = try? BTURequest.read(bytes)
        }
    }

    @Test func repliesOfRedis() {
        let samples = ["+OK\r\n-ERR no\r\n:-42\r\n$3\r\na\r\n\r\n$-1\r\n*2\r\n:1\r\n*1\r\n+x\r\n"]
        fuzz("RESP", samples, rounds: 2_500) { bytes in
            var parser = ReplyParser(largestReply: 1 << 20)
            var replies: [RedisValue] = []
            for start in stride(from: 0, to: bytes.count, by: 1_021) {
                let piece = ByteBuffer(bytes: bytes[start..<min(start + 1_021, bytes.count)])
                guard (try? parser.parse(piece, into: &replies)) != nil else { break }
            }
        }
    }

    @Test func zoneFiles() throws {
        let folder = try TemporaryFolder()
        let names = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Africa/Casablanca"]
        let files = try names.map { [UInt8](try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/" + $0))) }
        var mangler = Mangler(seed: Fuzz.seed)
        for _ in 0..<Fuzz.rounds(1_500) {
            try Data(mangler.mangle(mangler.pick(files))).write(to: URL(filePath: folder.path + "/Zone"))
            guard let zone = try? ZoneDatabase(directory: folder.path).zone("Zone") else { continue }
            for second in [-5_000_000_000, 0, 1_795_262_400, 20_000_000_000] as [Int64] {
                _ = zone.format(Timestamp(seconds: second))
            }
            let cron = try Schedule.Rule.cron(parsing: "30 2 * * *", dialect: .unix, hashKey: nil)
            _ = Schedule(rule: cron, zone: zone).next(after: Samples.noon)
        }
    }
}
