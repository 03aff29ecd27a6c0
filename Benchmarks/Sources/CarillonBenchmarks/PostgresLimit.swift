import ArgumentParser
import CarillonCore
import Foundation
import Logging
import PostgresClient
import PostgresStore
import Timetable

/// What PostgreSQL itself can take: as many cursors updated and runs inserted, in the same batches, by two prepared statements
/// in a transaction, with the same durability and none of what a ledger needs besides.
struct PostgresLimit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postgres-limit", abstract: "Rows a second into PostgreSQL, plainly.")
    @Option(help: "The address of an empty database.") var postgres: String
    @Option var jobs = 100_000
    @Option var batch = 8_000

    func run() async throws {
        let rig = try Rig(postgres: postgres)
        defer { rig.remove() }
        let now = rig.clock.now
        try await rig.fill(
            (0..<jobs).lazy.map { Jobs.job("job-\($0)", .every("1h", anchor: now), argv: ["/bin/true", "\($0)"]) })
        let client = try PostgresClient(try PostgresConfiguration(url: postgres), logger: Logger(label: "bench"))
        let begin = rig.clock.uptime
        for start in stride(from: 0, to: jobs, by: batch) {
            let numbers = start..<min(start + batch, jobs)
            var (ids, jobIDs, times) = (
                PostgresArray(of: .bytea), PostgresArray(of: .integer), PostgresArray(of: .bigint)
            )
            for number in numbers {
                let id = RunID(store: 1, job: "job-\(number)", scheduledAt: now)
                let digits = Array("\(id)")
                let bytes = stride(from: 0, to: 24, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0 }
                bytes.withUnsafeBytes { ids.append($0) }
                jobIDs.append(Int64(number + 1))
                times.append(now.microseconds)
            }
            let values: [PostgresValue] = [.init(ids), .init(jobIDs), .init(times)]
            try await client.transaction { transaction in
                try transaction.execute(
                    """
                    UPDATE cursors SET cursor = p.at, next_due = p.at, opened = opened + 1
                    FROM unnest($1::integer[], $2::bigint[]) AS p (job_id, at) WHERE cursors.job_id = p.job_id
                    """, Array(values[1...]))
                try transaction.execute(
                    """
                    INSERT INTO runs (id, job_id, revision, trigger, scheduled_at, manual, not_before, state, attempt,
                    created_at, instance)
                    SELECT id, job_id, 1, 'schedule', at, 0, at, 0, 1, at, 'bench'
                    FROM unnest($1::bytea[], $2::integer[], $3::bigint[]) AS r (id, job_id, at)
                    """, values)
            }
        }
        let seconds = Double(rig.clock.uptime - begin) / 1_000_000
        await client.close()
        Figure("PostgreSQL itself: \(jobs) cursors and runs", Double(jobs) / seconds, "runs/s").print()
    }
}
