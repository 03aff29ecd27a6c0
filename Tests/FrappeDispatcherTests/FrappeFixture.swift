import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Foundation
import FrappeDispatcher
import FrappeFeed
import FrappeSite
import Logging
import RQDispatcher
import RedisClient

/// A Redis, a worker and a site's web server of their own.
struct FrappeFixture: DispatcherFixture {
    private static let tasks = """
        import os, time
        from rq import get_current_job
        def note(*arguments):
            with open(os.path.join(os.environ["NOTES"], get_current_job().id), "a") as f: f.write("start\\n")
            with open(os.path.join(os.environ["NOTES"], "calls"), "a") as f: f.write(" ".join(map(str, arguments)) + "\\n")
        def fails(*arguments):
            note()
            raise ValueError("no good")
        def waits(*arguments):
            note()
            time.sleep(600)
        """

    let redis: RedisFixture
    let worker: RQWorker
    let web: FrappeWeb

    init(_ release: RQWorker.Release = .v2, delay: Double = 0) async throws {
        redis = try RedisFixture()
        web = try FrappeWeb(delay: delay)
        try await redis.start()
        try await web.start()
        worker = try RQWorker(release, url: redis.url, tasks: Self.tasks)
    }

    func makeDispatcher(capacity: Int) async throws -> FrappeDispatcher { try dispatcher() }

    func dispatcher(
        timeout: Int64 = 10_000_000, clock: any EngineClock = SystemClock()
    ) throws -> FrappeDispatcher {
        var queue = RQConfiguration(redis: try RedisConfiguration(url: redis.url), identity: "conformance.frappe")
        queue.interval = 30_000
        return FrappeDispatcher(
            site: site(timeout: timeout),
            rq: RQDispatcher(queue, clock: SystemClock(), logger: .silent), clock: clock, logger: .silent)
    }

    func site(token: String = FrappeWeb.token, host: String? = nil, timeout: Int64 = 10_000_000) -> FrappeSite {
        var site = FrappeSiteConfiguration(host: "127.0.0.1", port: web.port, hostHeader: host, token: token)
        site.timeout = timeout
        return FrappeSite(site)
    }

    func target(_ behaviour: DispatcherBehaviour) -> FrappeTarget {
        let task =
            switch behaviour {
            case .succeeds: "TASK-0001"
            case .fails: "TASK-0002:tasks.fails"
            case .waits, .defies: "TASK-0003:tasks.waits"
            }
        return FrappeTarget(task: task, schedule: "TS-0001")
    }

    func ready(_ attempt: AttemptID) async {
        while await starts(of: attempt) == 0 { try? await Task.sleep(for: .milliseconds(10)) }
    }

    func starts(of attempt: AttemptID) async -> Int { worker.lines(attempt.sentName).count }

    func lose(_ attempt: AttemptID) async throws -> Bool {
        try await ask(RedisCommand("DEL", "rq:job:\(attempt.sentName)"))
        return true
    }

    @discardableResult
    func ask(_ command: RedisCommand) async throws -> RedisValue {
        let client = RedisClient(try RedisConfiguration(url: redis.url), logger: .silent)
        let answer = try await client.send(command)
        await client.close()
        return answer
    }
}
