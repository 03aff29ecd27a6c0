import ArgumentParser
import CarillonDaemon
import CarillonEngine

/// Looking again and again.
package struct WatchOptions: ParsableArguments {
    @Flag(help: "Look again every two seconds, until it is interrupted.") package var watch = false

    package init() {}

    /// Looks once, or again and again; what a daemon that is not well has for an exit code ends nothing then.
    package func look(_ body: () async throws -> Void) async throws {
        guard watch else { return try await body() }
        let clock = SystemClock()
        while true {
            if Terminal.isOutputTerminal { Terminal.write("\u{1B}[H\u{1B}[2J") }
            do {
                try await body()
            } catch let failure as Failure where failure.code == 5 {
            }
            try Terminal.flush()
            try await clock.sleep(for: 2_000_000)
        }
    }
}
