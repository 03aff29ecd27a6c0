import CarillonTestSupport
import Foundation
import Testing

/// A database that Simple Scheduler has left, under daemons that are told by its own configuration files.
extension MongoStoreDaemonTests {
    /// Two documents of jobs as Simple Scheduler writes them, and one of something else; `left-behind` had a sign of life a second ago,
    /// from a manager that has it, or an hour ago and from none.
    private static let program = #"""
        import datetime, sys
        from bson import ObjectId
        from pymongo import MongoClient
        jobs = MongoClient(sys.argv[1]).simpleScheduler.jobs
        now = datetime.datetime.now(datetime.timezone.utc)
        alive = sys.argv[2] == "alive"
        jobs.delete_many({})
        jobs.insert_many([
            {"_id": name, "enabled": True, "nextRunAt": now + datetime.timedelta(hours=1), "interval": 60000,
             "runExecutionTimeout": 0, "runStartTimeout": 0, "maxQueueCount": 5, "allowConcurrentRuns": False,
             "heartbeatTimeout": 0, "managerId": ObjectId("6799b53b33fcc6482f29c96f" if alive else "0" * 24),
             "heartbeat": now - datetime.timedelta(seconds=1 if alive else 3600)}
            for name in ["left-behind", "other"]])
        jobs.insert_one({"_id": "spoilt", "enabled": "yes", "nextRunAt": 7})
        """#

    private func fill(_ address: String, _ state: String) async throws {
        let path = try first.folder.write("fill.py", Self.program)
        let python = try VirtualEnvironment.program("mongo/bin/python")
        let done = try await first.shell("'\(python)' '\(path)' '\(address)' \(state)")
        #expect(done.code == 0, "\(done)")
    }

    @Test func aDatabaseOfSimpleSchedulerIsTakenOverImportedAndServed() async throws {
        let server = try MongoFixture(replicaSet: false)
        try await server.start()
        let address = "mongodb://127.0.0.1:\(server.port)"
        let place = """
            SIMPLE_SCHEDULER_DB_TYPE=mongodb
            SIMPLE_SCHEDULER_DB_CONNECTION_STRING=\(address)
            SIMPLE_SCHEDULER_DB_NAME=simpleScheduler

            """
        let scheduler = try first.folder.write("scheduler.env", place + "SIMPLE_SCHEDULER_HEARTBEAT_INTERVAL=1000\n")
        try FileManager.default.removeItem(atPath: first.state + "/carillon.toml")
        try FileManager.default.removeItem(atPath: first.state + "/jobs.d")

        // Somebody schedules there.
        try await fill(address, "alive")
        for line in [
            "timeout 60 $C serve --simple-scheduler '\(scheduler)'",
            "$C import simple-scheduler --simple-scheduler '\(scheduler)'",
        ] {
            let refused = try await first.shell("CARILLON_STATE='\(first.state)' \(line)")
            #expect(refused.code == 2 && refused.error.contains("--take-over"), "\(line): \(refused)")
        }

        // Nobody does any more: the two jobs as a file, and the third is named.
        try await fill(address, "gone")
        let file = first.state + "/jobs.toml"
        let imported = try await first.carillon(
            "import", "simple-scheduler", "--simple-scheduler", scheduler, "--output", file)
        #expect(imported.code == 2 && imported.error.contains("spoilt"), "\(imported)")
        #expect(try await first.carillon("validate", file).code == 0)
        let again = try await first.carillon(
            "import", "simple-scheduler", "--from", address + "/simpleScheduler", "--output", file)
        #expect(again.code == 2 && again.error.contains("is there already"), "\(again)")
        try FileManager.default.removeItem(atPath: file)

        // A scheduler, and the API by itself, each from its own file.
        try await first.start("--simple-scheduler", scheduler)
        let jobs = try await first.objects("jobs", "list")
        #expect(jobs.compactMap { $0["name"] as? String } == ["left-behind", "other"])
        #expect(first.log.contains("spoilt"), "\(first.log)")
        let port = try FreePort.find()
        let api = try second.folder.write("api.env", place + "SIMPLE_SCHEDULER_API_URL=127.0.0.1:\(port)\n")
        try FileManager.default.removeItem(atPath: second.state + "/carillon.toml")
        try await second.start("--simple-scheduler", api, "--roles", "api")
        let token = try await second.carillon("token", "create", "t", "--scope", "jobs:read")
        let secret = token.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let answer = try await second.shell(
            "curl -fsS -H 'Authorization: Bearer \(secret)' http://127.0.0.1:\(port)/api/jobs")
        let list = try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [[String: Any]] ?? []
        #expect(list.compactMap { $0["name"] as? String }.sorted() == ["left-behind", "other"], "\(answer)")
        // One signal ends each.
        #expect(await second.stop() == 0)
        #expect(await first.stop() == 0)
    }
}
