package import ArgumentParser
import CarillonDaemon
import CommandSupport
import Foundation

/// The program: commands and composition only.
package struct Carillon: AsyncParsableCommand {
    static let version = "0.1.0"

    package static let configuration = CommandConfiguration(
        commandName: "carillon",
        abstract: "One scheduler daemon: no occurrence lost, none doubled, none silently skipped.",
        discussion: """
            EXAMPLES
              carillon serve                          run the daemon
              carillon jobs add backup --cron '0 2 * * *' -- /usr/local/bin/backup
              carillon jobs list                      what there is, and when it runs
              carillon why backup 02:00               why it did or did not run
              carillon next '30 2 * * *' --zone America/New_York --count 3
              carillon import crontab /etc/crontab    a crontab as jobs

            Shell completions: carillon --generate-completion-script bash|zsh|fish
            """,
        version: version,
        subcommands: [
            Serve.self, Custodian.self, Validate.self, Next.self, Jobs.self, Runs.self, Agenda.self, Forecast.self,
            Queues.self,
            Why.self,
            Backfill.self,
            Status.self, Pause.self,
            Resume.self,
            Feeds.self, Instances.self, Operations.self, Audit.self, Config.self, Reload.self, Import.self, Store.self,
        ] + systemCommands)

    package init() {}

    /// Exit codes: 0 done, 1 failed, 2 bad usage or input, 3 no daemon runs, 4 it does not answer, 5 not all is well.
    package static func main() async {
        do {
            let words = try Arguments.prepared(
                Arguments.called(CommandLine.arguments[0], Array(CommandLine.arguments.dropFirst())), root: Self.self)
            try await Composition.$current.withValue(.carillon) {
                var command = try await asyncParseAsRoot(words)
                if var asynchronous = command as? any AsyncParsableCommand {
                    try await asynchronous.run()
                } else {
                    try command.run()
                }
            }
            try Terminal.flush()
        } catch let failure as Failure {
            fflush(nil)
            if !failure.message.isEmpty { Terminal.error("carillon: \(failure.message)") }
            Foundation.exit(failure.code)
        } catch {
            let code = exitCode(for: error)
            if code == .success {
                // A shell that asks for completions wants its lines as they are.
                let text = fullMessage(for: error)
                let isHelp = text.hasPrefix("OVERVIEW: ")
                Terminal.write((isHelp ? Terminal.wrapped(text) : text) + "\n")
                Foundation.exit((try? Terminal.flush()) == nil ? 1 : 0)
            }
            if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
            Terminal.error(fullMessage(for: error))
            Foundation.exit(code == .validationFailure ? 2 : 1)
        }
    }
}
