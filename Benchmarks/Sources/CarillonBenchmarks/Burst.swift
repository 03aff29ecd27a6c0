import ArgumentParser
import CarillonCore
import CarillonEngine
import Foundation
import Timetable

/// All due in the same second.
struct Burst: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Throughput of a burst.")
    @Option var jobs = 100_000
    /// Outcomes come when the last run is out, as those of workers behind a queue do.
    @Flag(help: "Tell the outcomes only when the last run is out.") var late = false
    @Option(help: "Seconds before the due second in which the engine is up; room to fill the store comes on top.")
    var wait = 10

    @Option(help: "The address of an empty database for the store.") var postgres: String?

    func run() async throws {
        let rig = try Rig(postgres: postgres)
        defer { rig.remove() }
        let now = rig.clock.now
        let due = Timestamp(seconds: now.seconds + Int64(jobs / 10_000 + wait))
        let count = jobs
        // No two definitions are the same, or decoding them would look cheap.
        let all = (0..<count).lazy.map { Jobs.job("job-\($0)", .once(due.rfc3339), argv: ["/bin/true", "\($0)"]) }
        try await rig.fill(all, cursor: now)
        guard rig.clock.now < due else { throw ExitFailure(description: "filling the store took too long") }
        let name = rig.prefix + (late ? "burst of \(count), outcomes later" : "burst of \(count)")
        let dispatcher = NullDispatcher(withholds: late)
        try await rig.run(dispatcher) {
            try await rig.clock.sleep(for: due.microseconds - rig.clock.now.microseconds)
            let cpu = Hold.cpu
            while dispatcher.count < count { try await rig.clock.sleep(for: 5_000) }
            func report(_ what: String, _ cpu: Double, _ begin: Timestamp, _ end: Timestamp) {
                let seconds = Double(end.microseconds - begin.microseconds) / 1_000_000
                Figure("\(name): \(what)", Double(count) / seconds, "runs/s").print()
                Figure("\(name): \(what), CPU", cpu / Double(count) * 1_000_000, "µs/run").print()
            }
            let dispatched = Hold.cpu
            let (late, last) = dispatcher.take()
            report("dispatched", dispatched - cpu, due, last)
            quantiles(late, "\(name): lateness", "ms")
            let told = rig.clock.now
            dispatcher.release()
            while dispatcher.acknowledged < count { try await rig.clock.sleep(for: 5_000) }
            if self.late {
                report("outcomes recorded", Hold.cpu - dispatched, told, rig.clock.now)
            } else {
                report("recorded", Hold.cpu - cpu, due, rig.clock.now)
            }
        }
    }
}
