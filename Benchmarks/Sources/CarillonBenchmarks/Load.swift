import ArgumentParser
import CarillonCore
import CarillonEngine
import Timetable

/// Many jobs due every second, spread evenly.
struct Spread: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lateness under a steady load.")
    @Option var rate = 1_000
    @Option var seconds = 30.0

    @Option(help: "The address of an empty database for the store.") var postgres: String?

    func run() async throws {
        let rig = try Rig(postgres: postgres)
        let name = "\(rig.prefix)\(rate)/s"
        defer { rig.remove() }
        // Each job every ten seconds at a phase of its own.
        let anchor = rig.clock.now
        let jobs = (0..<rate * 10).lazy.map { number in
            Jobs.job(
                "job-\(number)",
                .every("10s", anchor: anchor.adding(microseconds: Int64(number) * 10_000_000 / Int64(rate * 10))))
        }
        try await rig.fill(jobs)
        let dispatcher = NullDispatcher()
        let span = Int64(seconds * 1_000_000)
        try await rig.run(dispatcher) {
            // What became due while the store was filled is not looked at.
            try await rig.clock.sleep(for: 10_000_000)
            _ = dispatcher.take()
            let cpu = Hold.cpu
            try await rig.clock.sleep(for: span)
            let late = dispatcher.take().late
            Figure("\(name): dispatched", Double(late.count) / Double(span) * 1_000_000, "runs/s").print()
            Figure("\(name): CPU", (Hold.cpu - cpu) / Double(span) * 100_000_000, "% of a core").print()
            quantiles(late, "\(name): lateness", "ms")
        }
    }
}
