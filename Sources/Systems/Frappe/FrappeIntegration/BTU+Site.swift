import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import FrappeFeed
import FrappeMirror
import FrappeSite
import RQDispatcher
import RQIntegration
import RedisClient
import Timetable

extension BTU {
    struct ListTasks: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list-tasks", abstract: "The tasks of the site.")
        @OptionGroup var options: Options

        func run() async throws {
            let tasks = try await options.withTables { try await $0.tasks() }
            if options.json {
                for task in tasks {
                    try say(
                        json: JSONObject([
                            ("name", task.name), ("description", task.words), ("function", task.function),
                            ("queue", task.queue), ("timeoutSeconds", task.timeout), ("status", task.status),
                        ]))
                }
                return
            }
            if tasks.isEmpty { return say("the site has no tasks") }
            var table = TextTable("TASK", "DESCRIPTION", "FUNCTION", "QUEUE", "TIME-OUT", "STATUS")
            for task in tasks {
                table.add(
                    .init(task.name), .init(task.words ?? ""), .init(task.function ?? ""), .init(task.queue ?? ""),
                    .init("\(task.timeout) s"), .init(task.status, task.docstatus == 1 ? .green : .yellow))
            }
            table.print()
        }
    }

    struct ShowScheduled: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show-scheduled",
            abstract: "The schedules of the site, and when each runs next: in its zone and in UTC.",
            discussion: """
                What the daemon has planned is read from Redis; a schedule that is enabled and not planned says why, as far as \
                its row tells.
                """)
        @OptionGroup var options: Options

        func run() async throws {
            let settings = try options.settings()
            let planned = try await planned(options.redis())
            let zones = ZoneDatabase()
            let reader = FrappeJob(zones: zones, prefix: "", catchUp: .latest)
            let rows = try await options.withTables { tables in
                try await tables.rows(named: nil) { row, zones in (row.name, row.enabled, reader.read(row, zones)) }
            }
            let moment = TimeFormatter()
            var table = TextTable("SCHEDULE", "RUNS", "NEXT", "UTC", "REMARK")
            for (name, isEnabled, reading) in rows.sorted(by: { $0.0 < $1.0 }) where isEnabled {
                let view = View(name, reading, planned[name], settings[FrappeSettings.self]?.zone ?? "UTC")
                if options.json { try say(json: view) } else { view.add(to: &table, moment) }
            }
            if !options.json { table.print() }
        }

        /// Reads what stands in Redis: the next time of each schedule.
        private func planned(_ redis: RedisSettings) async throws -> [String: Timestamp] {
            let configuration = try redis.configuration(identity: "")
            let client = RedisClient(configuration.redis, logger: options.logger)
            let answer: [String]
            do {
                answer =
                    (try await client.send(
                        RedisCommand("ZRANGE", FrappeMirror.key, "0", "-1", "WITHSCORES")
                    ).array ?? []).compactMap(\.text)
            } catch {
                await client.close()
                throw Failure.failed(configuration.describe(error))
            }
            await client.close()
            var planned: [String: Timestamp] = [:]
            for index in stride(from: 0, to: answer.count - 1, by: 2) {
                guard let seconds = Int64(answer[index + 1]), let bar = answer[index].lastIndex(of: "|") else {
                    continue
                }
                planned[String(answer[index][..<bar])] = Timestamp(seconds: seconds)
            }
            return planned
        }

        private struct View: Encodable {
            var name: String
            var schedule: String?
            var timeZone: String
            var next: Timestamp?
            var remark: String?

            init(_ name: String, _ reading: FrappeJob.Reading, _ next: Timestamp?, _ zone: String) {
                self.name = name
                timeZone = zone
                self.next = next
                switch reading {
                case .job(let job, let problem):
                    timeZone = job.schedule.zone
                    schedule = job.schedule.summary
                    remark = problem?.message
                    if next == nil { remark = "is not planned; is the daemon running?" }
                case .problem(let problem): remark = (problem.key.map { "\($0): " } ?? "") + problem.message
                case .nothing: break
                }
            }

            func add(to table: inout TextTable, _ moment: TimeFormatter) {
                table.add(
                    .init(name), .init(schedule ?? ""), .init(next.map { moment.both($0, timeZone) } ?? "-"),
                    .init(next.map { moment.absolute($0, "UTC") } ?? "-"), .init(remark ?? "", .yellow))
            }
        }
    }

    struct QueueTaskNow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "queue-task-now", abstract: "Queue a task of the site for a worker, outside every schedule.")
        @OptionGroup var options: Options
        @Argument(help: "The task's name.") var task: String

        func run() async throws {
            let known = try await options.withTables { try await $0.tasks() }.first { $0.name == task }
            guard let known else { throw Failure.failed("the site has no task '\(task)'") }
            let data = try await options.withSite { try await $0.pickle(task: task, schedule: nil) }
            let clock = SystemClock()
            let configuration = try options.redis().configuration(identity: "btu")
            let rq = RQDispatcher(configuration, clock: clock, logger: options.logger)
            let id = RunID(manualAt: clock.now, random: UInt64.random(in: 0...UInt64.max))
            let call = RQCall(
                attempt: AttemptID(run: id, attempt: 1),
                queue: known.queue.flatMap { $0.isEmpty ? nil : $0 } ?? "default",
                data: data, description: known.words ?? task, timeout: known.timeout)
            let result = await rq.enqueue([call]).first
            await rq.shutdown()
            switch result {
            case .accepted?, .known?:
                if options.json {
                    return try say(json: JSONObject([("job", id.description), ("queue", call.queue)]))
                }
                say("task \(task) is queued on \(call.queue) as job \(id)")
            case .refused(let why)?, .unavailable(let why)?, .away(let why)?: throw Failure.failed(why)
            case nil: throw Failure.failed("no answer")
            }
        }
    }
}

extension FrappeTask {
    fileprivate var status: String {
        switch docstatus {
        case 0: "draft"
        case 1: "submitted"
        default: "cancelled"
        }
    }
}
