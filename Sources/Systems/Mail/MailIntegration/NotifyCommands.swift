package import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import MailNotifier
import Timetable

package struct NotifyCommands: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "notify", abstract: "What people are told by.", subcommands: [Test.self])

    package init() {}

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send a mail as the daemon would, and say what the server answers; needs no daemon.")
        @OptionGroup var place: DaemonLocation
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            guard let settings = try place.settings(zones: ZoneDatabase())[MailSettings.self] else {
                throw Failure.failed("nobody is told by mail: the settings have no [notify.email]")
            }
            let host = ProcessInfo.processInfo.hostName
            let remark: String?
            do {
                remark = try await settings.sender().send(
                    subject: "[carillon] \(host): a test",
                    text: "This mail was asked for with `carillon notify test` on \(host).\n", at: SystemClock().now)
            } catch let failure as Failure {
                throw failure
            } catch {
                throw Failure.failed("\(error)")
            }
            let people = settings.to.joined(separator: ", ")
            if json { return try say(json: JSONObject([("to", settings.to), ("remark", remark)])) }
            say("a mail to \(people) was taken by \(settings.host)\(remark.map { "; \($0)" } ?? "")")
        }
    }
}
