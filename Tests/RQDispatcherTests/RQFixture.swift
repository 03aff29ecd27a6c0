import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Foundation
import Logging
import RQDispatcher
import RedisClient

/// A Redis and a worker of their own.
struct RQFixture: DispatcherFixture {
    private static let tasks = """
        import os, time
        from rq import get_current_job
        def note():
            with open(os.path.join(os.environ["NOTES"], get_current_job().id), "a") as f: f.write("start\\n")
        def succeeds():
            assert len(get_current_job().meta["traceparent"]) == 55
            note()
        def fails():
            note()
            raise ValueError("no good")
        def waits():
            note()
            time.sleep(600)
        """

    let redis: RedisFixture
    let worker: RQWorker

    init(_ release: RQWorker.Release) async throws {
        redis = try RedisFixture()
        try await redis.start()
        worker = try RQWorker(release, url: redis.url, tasks: Self.tasks)
    }

    func makeDispatcher(capacity: Int) async throws -> RQDispatcher {
        var configuration = RQConfiguration(redis: try RedisConfiguration(url: redis.url), identity: "conformance")
        configuration.interval = 30_000
        return RQDispatcher(configuration, clock: SystemClock(), logger: .silent)
    }

    func target(_ behaviour: DispatcherBehaviour) -> RQTarget {
        let function =
            switch behaviour {
            case .succeeds: "tasks.succeeds"
            case .fails: "tasks.fails"
            // A worker kills what it is told to stop; there is nothing to defy.
            case .waits, .defies: "tasks.waits"
            }
        return RQTarget(function: function)
    }

    func ready(_ attempt: AttemptID) async {
        while await starts(of: attempt) == 0 { try? await Task.sleep(for: .milliseconds(10)) }
    }

    func starts(of attempt: AttemptID) async -> Int { worker.lines(attempt.sentName).count }

    func lose(_ attempt: AttemptID) async throws -> Bool {
        let client = RedisClient(try RedisConfiguration(url: redis.url), logger: .silent)
        try await client.send(RedisCommand("DEL", "rq:job:\(attempt.sentName)"))
        await client.close()
        return true
    }
}
