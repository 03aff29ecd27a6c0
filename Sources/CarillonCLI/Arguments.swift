package import ArgumentParser
import BusIntegration
import CarillonConfiguration
package import CarillonDaemon
import FrappeIntegration

/// What is done to the words of a command line before they are parsed.
package enum Arguments {
    /// Options of every command, each with a value; they may stand before the command's name as well.
    private static let everywhere = ["--config", "--state-dir", "--client-timeout", "--url", "-u", "--context"]

    /// Commands about files and stores of this machine, which no API has.
    private static let here: Set = ["serve", "custodian", "validate", "config", "store", "import", "rq", "bus", "btu"]

    /// The words that a program of another scheduler means by its name: through a link of that name Carillon is that program,
    /// with its default configuration file.
    package static func called(_ program: String, _ words: [String]) -> [String] {
        let name = program.split(separator: "/").last.map(String.init) ?? program
        switch name {
        case "btu": return ["btu"] + words
        case "btu-daemon", "btu_scheduler_daemon":
            let own = words.contains { $0 == "--btu" || $0 == "--help" || $0 == "-h" || $0 == "--version" }
            return ["serve"] + (own ? [] : ["--btu", BTUReader.standardPath]) + words
        default: return words
        }
    }

    /// The same words with options that stand before the command's name behind it. Throws `Failure` for a command that
    /// there is not, with the one that was probably meant.
    package static func prepared(_ words: [String], root: any ParsableCommand.Type) throws(Failure) -> [String] {
        var rest = words[...]
        var moved: [String] = []
        while let word = rest.first, let option = everywhere.first(where: { word == $0 || word.hasPrefix($0 + "=") }) {
            moved.append(rest.removeFirst())
            if word == option, let value = rest.popFirst() { moved.append(value) }
        }
        try check(rest, root, path: "")
        // What follows -- is a program's.
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        let words = Array(rest[..<end]) + moved
        if let command = words.first, here.contains(command),
            let option = words.first(where: { word in
                ["-u", "--url", "--context"].contains { word == $0 || word.hasPrefix($0 + "=") }
            })
        {
            throw Failure.input("\(option): `carillon \(command)` is about this machine")
        }
        return SimpleSchedulerCommands.prepared(words) + rest[end...]
    }

    private static func check(
        _ words: ArraySlice<String>, _ command: any ParsableCommand.Type, path: String
    ) throws(Failure) {
        guard let word = words.first, !word.hasPrefix("-") else { return }
        let commands = command.configuration.subcommands
        if commands.isEmpty || word == "help" { return }
        let names = commands.map { $0._commandName }
        let place = commands.firstIndex { $0._commandName == word || $0.configuration.aliases.contains(word) }
        if let place {
            return try check(words.dropFirst(), commands[place], path: path + word + " ")
        }
        let hint = Spelling.hint(word, among: names)
        // Where a command of its own is the default, any other word is one of that.
        if hint.isEmpty, command.configuration.defaultSubcommand != nil { return }
        throw Failure.input(
            "there is no command '\(path)\(word)'\(hint)" + (hint.isEmpty ? "; see `carillon \(path)--help`" : ""))
    }
}
