import ArgumentParser
import CarillonCore
import CarillonEngine
import ExecDispatcher
import Foundation
import Logging
import SQLiteStore
import Timetable

/// Programs started a second through the whole daemon, against the machine's own rate in the same run.
struct Programs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Program starts.")
    @Option var programs = 4_000
    @Option var shim: String

    func run() async throws {
        let own = Self.machineRate(programs)
        Figure("posix_spawn, this machine", own, "programs/s").print()
        let carillon = try await carillonRate()
        Figure("program starts", carillon, "programs/s").print()
        let again = Self.machineRate(programs)
        Figure("posix_spawn, this machine, again", again, "programs/s").print()
        Figure("program starts against the machine", carillon / ((own + again) / 2) * 100, "%").print()
    }

    /// Two threads, one for each core, each a loop of posix_spawn(3) and waitpid(2) of /bin/true.
    private static func machineRate(_ programs: Int) -> Double {
        let clock = SystemClock()
        let begin = clock.uptime
        DispatchQueue.concurrentPerform(iterations: 2) { _ in
            for _ in 0..<programs / 2 {
                var pid: pid_t = 0
                var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("/bin/true"), nil]
                posix_spawn(&pid, "/bin/true", nil, nil, &arguments, nil)
                var status: Int32 = 0
                waitpid(pid, &status, 0)
                free(arguments[0])
            }
        }
        return Double(programs / 2 * 2) / (Double(clock.uptime - begin) / 1_000_000)
    }

    /// From the due second to the last end, all of it in the ledger.
    private func carillonRate() async throws -> Double {
        let rig = try Rig()
        defer { rig.remove() }
        let now = rig.clock.now
        let due = Timestamp(seconds: now.seconds + Int64(programs / 5_000) + 4)
        try await rig.fill((0..<programs).lazy.map { Jobs.job("job-\($0)", .once(due.rfc3339)) }, cursor: now)
        let configuration = ExecConfiguration(
            stateDirectory: rig.folder, shim: shim, environment: ProcessInfo.processInfo.environment)
        let clock = rig.clock
        let dispatcher = try ExecDispatcher(configuration, logger: Logger(label: "bench")) { clock.now }
        let path = rig.storePath
        let count = programs
        let seconds = try await rig.run(dispatcher) {
            let reader = try SQLiteStore(reading: path)
            defer { Task { try await reader.close() } }
            try await clock.sleep(for: due.microseconds - clock.now.microseconds)
            while true {
                try await clock.sleep(for: 100_000)
                let ended = try await reader.runs(RunQuery(states: [.completed, .failed], limit: count))
                guard ended.count == count else { continue }
                let last = ended.compactMap(\.endedAt).max() ?? due
                guard ended.allSatisfy({ $0.state == .completed }) else {
                    throw ExitFailure(description: "a program failed")
                }
                return Double(last.microseconds - due.microseconds) / 1_000_000
            }
        }
        return Double(programs) / seconds
    }
}
