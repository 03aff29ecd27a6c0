import ArgumentParser
import CarillonCore
import CarillonEngine
import Foundation
import Logging
import RQDispatcher
import RedisClient
import Timetable

/// RQ jobs on a real Redis: a burst, or a steady load.
struct RQ: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rq", abstract: "RQ jobs into a Redis, from due to standing in the queue.")
    @Option(help: "An empty Redis.") var redis: String
    @Option(help: "Jobs due in the same second.") var jobs = 100_000
    @Option(help: "Bursts, each followed by what Redis takes alone; the median counts.") var rounds = 3
    @Option(help: "Instead of a burst: so many due each second, spread evenly.") var rate: Int?
    @Option var seconds = 20

    func run() async throws {
        if let rate { return try await measure { try await steady(rate, $0, $1, $2) } }
        var rates: [Double] = []
        var cpu: [Double] = []
        var alone: [Double] = []
        // A machine that others share is now faster, now slower: each burst has its peer at its side.
        for _ in 0..<max(1, rounds) {
            try await measure { rig, client, dispatcher in
                let burst = try await self.burst(rig, client, dispatcher)
                rates.append(burst.rate)
                cpu.append(burst.cpu)
                alone.append(try await self.alone(client))
            }
        }
        let ratios = zip(rates, alone).map { $0 / $1 * 100 }
        Figure("RQ burst of \(jobs)", median(rates), "runs/s").print()
        Figure("RQ burst of \(jobs): CPU", median(cpu), "µs/run").print()
        Figure("Redis alone, the same commands", median(alone), "runs/s").print()
        Figure("RQ burst against Redis alone", median(ratios), "%").print()
        Figure("RQ burst against Redis alone, lowest", ratios.min() ?? 0, "%").print()
        Figure("RQ burst against Redis alone, highest", ratios.max() ?? 0, "%").print()
    }

    private func measure(
        _ body: (Rig, RedisClient, RQDispatcher) async throws -> Void
    ) async throws {
        let rig = try Rig()
        defer { rig.remove() }
        let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        let address = try RedisConfiguration(url: redis)
        let client = RedisClient(address, logger: logger)
        try await client.send(RedisCommand("FLUSHALL"))
        try await body(
            rig, client,
            RQDispatcher(RQConfiguration(redis: address, identity: "bench"), clock: rig.clock, logger: logger))
        await client.close()
    }

    private func job(_ number: Int, _ rule: ScheduleText.Rule) throws -> Job {
        let target = RQTarget(
            function: "shop.tasks.sync", arguments: [.integer(Int64(number)), .map([.init("a", .text("ü"))])],
            keywords: [.init("dry", .bool(false))])
        return Job(
            name: "job-\(number)", schedule: ScheduleText(rule), target: try Target(target),
            policies: Policies(overlap: .allow), origin: Origin(feed: "bench"))
    }

    /// Runs a second, and microseconds of CPU for each.
    private func burst(
        _ rig: Rig, _ client: RedisClient, _ dispatcher: RQDispatcher
    ) async throws -> (rate: Double, cpu: Double) {
        let now = rig.clock.now
        let due = Timestamp(seconds: now.seconds + Int64(jobs / 10_000 + 10))
        try await rig.fill((0..<jobs).map { try job($0, .once(due.rfc3339)) }, cursor: now)
        guard rig.clock.now < due else { throw ExitFailure(description: "filling the store took too long") }
        let count = jobs
        return try await rig.run(dispatcher) {
            try await rig.clock.sleep(for: due.microseconds - rig.clock.now.microseconds)
            let cpu = Hold.cpu
            while try await client.send(RedisCommand("LLEN", "rq:queue:default")).integer != Int64(count) {
                try await rig.clock.sleep(for: 5_000)
            }
            let seconds = Double(rig.clock.now.microseconds - due.microseconds) / 1_000_000
            return (Double(count) / seconds, (Hold.cpu - cpu) / Double(count) * 1_000_000)
        }
    }

    /// How many runs a second the server takes by the same commands from its own benchmark: batches of runs, each with an
    /// id of its own.
    private func alone(_ client: RedisClient) async throws -> Double {
        let inBatch = 500
        guard let id = try await client.send(RedisCommand("LINDEX", "rq:queue:default", "0")).text,
            let fields = try await client.send(
                RedisCommand("HMGET", "rq:job:\(id)", "data", "created_at", "description", "timeout", "result_ttl")
            ).array, let sha = try await client.send(RedisCommand("SCRIPT", "LOAD", RQScripts.enqueue.source)).text
        else { throw ExitFailure(description: "the burst left no job") }
        try await client.send(RedisCommand("FLUSHALL"))
        // A pickle holds bytes that no argument can; so many others weigh the same.
        let data = String(repeating: "x", count: fields[0].bytes?.count ?? 0)
        let rest = fields.dropFirst().map { $0.text ?? "" }
        // The placeholder is twelve digits in every command.
        let words = ["\(id.prefix(12))__rand_int__", "default", data] + rest + ["500 default"]
        let (host, port) = (try RedisConfiguration(url: redis).host, try RedisConfiguration(url: redis).port)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["redis-benchmark", "-h", host, "-p", "\(port)", "-c", "2", "-P", "2", "-n", "\(max(1, jobs / inBatch))"]
            + ["-r", "2000000000", "--csv", "EVALSHA", sha, "0"]
            + (0..<inBatch).flatMap { _ in words }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let numbers = text.split(separator: "\n").last?.split(separator: "\"").compactMap { Double($0) }
        guard let batches = numbers?.first else { throw ExitFailure(description: "redis-benchmark said: \(text)") }
        return batches * Double(inBatch)
    }

    /// From the scheduled time of a run to the moment a reader of the queue has it.
    private func steady(_ rate: Int, _ rig: Rig, _ client: RedisClient, _ dispatcher: RQDispatcher) async throws {
        // Each job every ten seconds at a phase of its own.
        let anchor = rig.clock.now
        let count = rate * 10
        try await rig.fill(
            (0..<count).lazy.map { number in
                let phase = anchor.adding(microseconds: Int64(number) * 10_000_000 / Int64(count))
                return try job(number, .every("10s", anchor: phase))
            })
        let span = Int64(seconds) * 1_000_000
        try await rig.run(dispatcher) {
            // What became due while the store was filled is not looked at.
            try await rig.clock.sleep(for: 10_000_000)
            try await client.send(RedisCommand("DEL", "rq:queue:default"))
            let end = rig.clock.uptime + span
            var late: [Double] = []
            while rig.clock.uptime < end {
                let popped = try await client.send(RedisCommand("LPOP", "rq:queue:default", "1000")).array ?? []
                let now = rig.clock.now
                for id in popped.compactMap({ $0.text.flatMap { RunID($0) } }) {
                    // A run's id holds its second; the phase within it is the job's, so it is looked up.
                    guard let text = try await client.send(RedisCommand("HGET", "rq:job:\(id)", "description")).text,
                        let number = Int(text.split(whereSeparator: { !$0.isNumber }).first ?? "")
                    else { continue }
                    let phase = Int64(number) * 10_000_000 / Int64(count)
                    let start = anchor.microseconds + phase
                    let second = Int64(id.second) * 1_000_000
                    // The occurrence of that second.
                    let turns = (second - start + 9_999_999) / 10_000_000
                    late.append(Double(now.microseconds - start - turns * 10_000_000) / 1_000)
                }
                if popped.isEmpty { try await rig.clock.sleep(for: 500) }
            }
            Figure("RQ \(rate)/s: in the queue", Double(late.count) / Double(span) * 1_000_000, "runs/s").print()
            quantiles(late, "RQ \(rate)/s: lateness in the queue", "ms")
        }
    }
}
