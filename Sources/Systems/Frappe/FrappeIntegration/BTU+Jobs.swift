import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import MailIntegration
import RQDispatcher
import RQIntegration
import Timetable

extension BTU {
    struct ListJobs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list-jobs", abstract: "The RQ jobs that Redis has a record of, newest first.")
        @OptionGroup var options: Options
        @Option(help: "At most so many.") var limit = 100

        func run() async throws {
            guard limit > 0 else { throw Failure.input("--limit: expected a number above 0") }
            var jobs: [RQInspector.Job] = []
            try await options.redis().withInspector { desk in
                try await desk.jobs { page in
                    jobs += page
                    // Redis may have very many; only the newest are kept.
                    if jobs.count > 2 * limit + 10_000 { jobs = Array(Self.newest(jobs).prefix(limit)) }
                }
            }
            let shown = Self.newest(jobs).prefix(limit)
            if options.json {
                for job in shown { try job.show(true) }
                return
            }
            if shown.isEmpty { return say("Redis has no record of an RQ job") }
            var table = TextTable("JOB", "STATUS", "QUEUE", "CREATED", "DESCRIPTION")
            for job in shown {
                let status = job["status"]
                table.add(
                    .init(job.id), .init(status, status == "failed" ? .red : nil), .init(job["origin"]),
                    .init(job["created_at"]), .init(job["description"]))
            }
            table.print()
        }

        private static func newest(_ jobs: [RQInspector.Job]) -> [RQInspector.Job] {
            jobs.sorted { ($0["created_at"], $0.id) > ($1["created_at"], $1.id) }
        }
    }

    struct ShowJob: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show-job", abstract: "All that RQ knows of one job.")
        @OptionGroup var options: Options
        @Argument(help: "The job's id.") var job: String

        func run() async throws {
            guard let found = try await options.redis().withInspector({ try await $0.job(job) }) else {
                throw Failure.failed("Redis has no job '\(job)'; its result may have expired")
            }
            try found.show(options.json)
        }
    }

    struct QueueJobNow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "queue-job-now",
            abstract: "Put a job that Redis still has a record of on its queue again.",
            discussion: "The daemon's ledger keeps the first outcome; queue-task-now makes a new job instead.")
        @OptionGroup var options: Options
        @Argument(help: "The job's id.") var job: String

        func run() async throws {
            let now = SystemClock().now
            switch try await options.redis().withInspector({ try await $0.requeue(job, now: now) }) {
            case .queued(let queue):
                if options.json { return try say(json: JSONObject([("job", job), ("queue", queue)])) }
                say("job \(job) is queued on \(queue)")
            case .active(let status): throw Failure.failed("job '\(job)' is \(status) already")
            case .unknown: throw Failure.failed("Redis has no job '\(job)'; its result may have expired")
            }
        }
    }

    struct PrintConfig: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "print-config", abstract: "The configuration as it is read, without its secrets.")
        @OptionGroup var options: Options

        func run() throws {
            let lines = try options.settings().btuLines
            if options.json {
                // Under the names of the file that says them.
                return try say(json: JSONObject(lines.map { ($0.key, $0.value ?? String?.none as any Encodable) }))
            }
            for (key, value) in lines { say("\(key.padded(40))\(value ?? "(none)")") }
        }
    }
}

extension RQInspector.Job {
    fileprivate subscript(field: String) -> String { fields.first { $0.name == field }?.value ?? "" }
}

extension Settings {
    /// What BTU Scheduler's file says, key by key, nil where it says nothing; a secret is only said to be there.
    fileprivate var btuLines: [(key: String, value: (any Encodable & CustomStringConvertible)?)] {
        guard let frappe = self[FrappeSettings.self] else { return [] }
        let redis = self[RedisSettings.self] ?? RedisSettings()
        let socket = frappe.socket
        let secret = { (text: String?) in (text ?? "").isEmpty ? nil : "(set, not shown)" }
        var lines: [(key: String, value: (any Encodable & CustomStringConvertible)?)] = [
            ("full_refresh_internal_secs", frappe.refresh / 1_000_000), ("time_zone_string", timeZone),
            ("tracing_level", (log.level ?? .info).rawValue.uppercased()),
            ("startup_without_database_connections", startsUnconnected), ("mysql_user", frappe.user),
            ("mysql_password", secret(frappe.password)), ("mysql_host", frappe.host), ("mysql_port", frappe.port),
            ("mysql_database", frappe.database), ("rq", redis.url), ("rq_queue_prefix", redis.queuePrefix),
            ("socket_path", socket?.path ?? ""), ("socket_file_group_owner", socket?.group ?? "(the daemon's own)"),
            ("webserver_ip", frappe.web.host), ("webserver_port", frappe.web.port),
            ("webserver_host_header", frappe.web.hostHeader), ("webserver_token", secret(frappe.web.token)),
        ]
        if let email = self[MailSettings.self] {
            lines += [
                ("email_address_from", email.from), ("email_addresses", email.to.joined(separator: ", ")),
                ("email_host_name", email.host), ("email_host_port", email.port),
                ("email_account_name", email.user), ("email_account_password", secret(email.password)),
                ("email on", email.on.map(\.rawValue).sorted().joined(separator: ", ")),
            ]
        }
        return lines
    }
}
