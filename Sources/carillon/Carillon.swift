import ArgumentParser
import CProcess
import Foundation

/// The process, before there is anything in it.
@main
enum Program {
    static func main() {
        // While there is one thread and no open file.
        let faults = [cprocess_secure_descriptors(), cprocess_leave_first_place()].filter { $0 != 0 }
        for fault in faults { Terminal.error("carillon: cannot start: \(String(cString: strerror(fault)))") }
        if !faults.isEmpty { Foundation.exit(1) }
        Task {
            await Carillon.main()
            Foundation.exit(0)
        }
        dispatchMain()
    }
}

/// The program: commands and composition only.
struct Carillon: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "carillon",
        abstract: "One scheduler daemon: no occurrence lost, none doubled, none silently skipped.",
        discussion: """
            EXAMPLES
              carillon serve                                   run the daemon
              carillon jobs add backup --cron '0 2 * * *' --zone Europe/Berlin -- /usr/local/bin/backup --full
              carillon jobs list                               what there is, and when it runs next
              carillon why backup '02:00'                      why it did or did not run
              carillon next '30 2 * * *' --zone America/New_York --count 3
              carillon import crontab /etc/crontab             a crontab as jobs

            Shell completions: carillon --generate-completion-script bash|zsh|fish
            """,
        version: version,
        subcommands: [
            Serve.self, Validate.self, Next.self, Jobs.self, Runs.self, Why.self, Status.self, Pause.self, Resume.self,
            Feeds.self, Import.self, RQ.self, BTU.self,
        ])

    /// Exit codes: 0 done, 1 failed, 2 bad usage or input.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            if !failure.message.isEmpty { Terminal.error("carillon: \(failure.message)") }
            Foundation.exit(failure.code)
        } catch {
            let code = exitCode(for: error)
            if code == .success {
                Terminal.write(fullMessage(for: error) + "\n")
                Foundation.exit(0)
            }
            if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
            Terminal.error(fullMessage(for: error))
            Foundation.exit(code == .validationFailure ? 2 : 1)
        }
    }
}

/// Ends the program with a sentence on standard error.
struct Failure: Error {
    var code: Int32
    var message: String

    /// Bad usage or input.
    static func input(_ message: String) -> Failure { Failure(code: 2, message: message) }
    /// It should have worked.
    static func failed(_ message: String) -> Failure { Failure(code: 1, message: message) }
}
