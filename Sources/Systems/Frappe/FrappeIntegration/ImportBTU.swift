package import ArgumentParser
import CarillonConfiguration
import CarillonDaemon
import CommandSupport
import Foundation
import RQIntegration
import Timetable

package struct ImportBTU: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "btu",
        abstract: "BTU Scheduler's configuration as a carillon.toml.",
        discussion: """
            The passwords and the token go into files of their own beside the output, mode 0600; without --output they are left \
            out, and the text says which files to make.

            A site whose Cron Style rows name weekdays by number: BTU Scheduler ran them one day off; Carillon runs them as the \
            user was shown, 0 = Sunday.

            EXAMPLE
              carillon import btu /etc/btu_scheduler/btu_scheduler.toml --output /etc/carillon/carillon.toml
            """)
    @Argument(help: "The file.") var file = BTUReader.standardPath
    @Option(help: ArgumentHelp("Write to this file; it must not exist.", valueName: "file")) var output: String?

    package init() {}

    /// Files of the secrets, by their keys.
    private static let secrets = [
        "feed.password": "mysql_password", "feed.web.token": "webserver_token",
        "notify.email.password": "email_password",
    ]

    package func run() throws {
        let reading = try BTUReader.reading(DaemonLocation.absolute(file), zones: ZoneDatabase())
        for remark in reading.remarks { Terminal.error("\(remark)") }
        let head = TOMLText.comment("# From \(file)." + (reading.label.map { " \($0)" } ?? "")) + "\n"
        guard let output else {
            let writer = TOMLWriter(reading.settings, secrets: Self.secrets, in: "/etc/carillon")
            Terminal.write(head + writer.text)
            let files = writer.secrets.map(\.path).joined(separator: ", ")
            return Terminal.error("the secrets are not shown; put them into \(files)")
        }
        let path = DaemonLocation.absolute(output)
        let writer = TOMLWriter(
            reading.settings, secrets: Self.secrets, in: (path as NSString).deletingLastPathComponent)
        for (path, text) in writer.secrets + [(path: path, text: head + writer.text)] {
            // Made with its mode, so that nobody reads it in between.
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                throw Failure.input(
                    "\(path): \(errno == EEXIST ? "is there already" : String(cString: strerror(errno)))")
            }
            let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            do {
                try handle.write(contentsOf: Data(text.utf8))
            } catch {
                throw Failure.failed("\(path): \(error.localizedDescription)")
            }
            say("\(path)")
        }
    }
}
