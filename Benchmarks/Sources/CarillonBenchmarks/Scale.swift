import ArgumentParser
import CarillonCore
import CarillonEngine
import Foundation
import Timetable

/// Makes a store with many jobs.
struct Fill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Fill a store with jobs.")
    @Argument var folder: String
    @Option var jobs = 100_000
    @Option(help: "The address of an empty database for the store.") var postgres: String?

    func run() async throws {
        let rig = try Rig(folder: folder, postgres: postgres)
        let begin = rig.clock.uptime
        try await rig.fill(Jobs.mixed(jobs, now: rig.clock.now))
        let seconds = Double(rig.clock.uptime - begin) / 1_000_000
        Figure("\(rig.prefix)\(jobs) jobs: taken up", Double(jobs) / seconds, "jobs/s").print()
    }
}

/// Starts an engine on a filled store and looks at what it costs to be there.
struct Hold: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Memory, start-up time and idle CPU.")
    @Argument var folder: String
    @Option var seconds = 15.0
    @Option(help: "The address of the database that was filled.") var postgres: String?

    func run() async throws {
        let rig = try Rig(folder: folder, postgres: postgres)
        let begin = rig.clock.uptime
        let pause = Int64(seconds * 1_000_000)
        try await rig.run(NullDispatcher()) {
            let ready = Double(rig.clock.uptime - begin) / 1_000_000
            let store = try await rig.open()
            let jobs = "\(rig.prefix)\(try await store.counts().jobs)"
            try await store.close()
            Figure("\(jobs) jobs: ready", ready, "s").print()
            try await rig.clock.sleep(for: 2_000_000)
            let before = Self.cpu
            try await rig.clock.sleep(for: pause)
            Figure("\(jobs) jobs: idle CPU", (Self.cpu - before) / (Double(pause) / 1_000_000) * 100, "% of a core")
                .print()
            Figure("\(jobs) jobs: resident", Self.resident, "MiB").print()
        }
    }

    /// Seconds of user and system time, getrusage(2).
    static var cpu: Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let parts = [usage.ru_utime, usage.ru_stime]
        return parts.reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1_000_000 }
    }

    /// From `/proc/self/status`, proc(5).
    static var resident: Double {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return Double(line.split(whereSeparator: \.isWhitespace).dropFirst().first ?? "0").map { $0 / 1_024 } ?? 0
    }
}
