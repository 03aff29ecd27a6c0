import ArgumentParser

/// Measures, and prints one JSON line per figure; `scripts/bench.sh` makes the table.
@main
struct Benchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "CarillonBenchmarks", abstract: "Carillon's benchmarks.",
        subcommands: [
            TimetableRate.self, Fill.self, Hold.self, Spread.self, Burst.self, Programs.self, RQ.self, Bus.self,
            PostgresLimit.self,
        ])
}
