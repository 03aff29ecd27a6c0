import ArgumentParser
import CarillonDaemon
import CommandSupport

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take over another scheduler's jobs.", subcommands: importers)
}
