import APIClient
package import ArgumentParser
import CarillonCore
import CarillonDaemon
import CommandSupport

package struct ContextCommands: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "context", abstract: "Names for daemons elsewhere.",
        discussion: """
            What -u, --context, CARILLON_URL and CARILLON_CONTEXT say counts before the context in use; so does --state-dir, which \
            means this machine.

            EXAMPLES
              carillon context set work --url https://carillon.example.com
              carillon context use work
              carillon --context local status
            """,
        subcommands: [List.self, Use.self, Set.self, Remove.self], defaultSubcommand: List.self)

    package init() {}

    private static func file() throws -> ContextFile { try ContextFile(path: DaemonLocation().contextPath) }

    private static func check(_ name: String, in file: ContextFile) throws {
        guard file[name] != nil else {
            throw Failure.input("there is no context '\(name)'; see `carillon context list`")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Which names there are, and which is in use.")
        @Flag(help: "Print one JSON object a line.") var json = false

        func run() async throws {
            let file = try file()
            if json {
                for context in file.contexts {
                    try say(
                        json: JSONObject([
                            ("name", context.name), ("url", context.url), ("caFile", context.authority),
                            ("tokenFile", context.tokenFile), ("inUse", file.current == context.name),
                        ]))
                }
                return
            }
            var table = TextTable(.fixed("CONTEXT"), .fixed("IN USE"), .first("ADDRESS"))
            let isLocal = file.current == nil || file.current == ContextFile.local
            table.add(.init(ContextFile.local), .init(isLocal ? "yes" : "-"), .init("the daemon of this machine"))
            for context in file.contexts {
                table.add(
                    .init(context.name), .init(file.current == context.name ? "yes" : "-"), .init(context.url))
            }
            table.print()
        }
    }

    struct Use: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have commands ask this one; `local` is the daemon of this machine.",
            discussion: "EXAMPLE\n  carillon context use work")
        @Argument(help: "Its name.") var name: String

        func run() async throws {
            var file = try file()
            if name != ContextFile.local { try check(name, in: file) }
            file.use(name == ContextFile.local ? nil : name)
            try file.write()
            say("commands ask \(file[name]?.url ?? "the daemon of this machine")")
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a daemon's API a name, or change what is known of one.",
            discussion:
                "What is not given of a name that is there stays.\n\nEXAMPLE\n  carillon context set work --url https://carillon.example.com --ca-file ~/work-ca.pem"
        )
        @Argument(help: "Its name.") var name: String
        @Option(name: .shortAndLong, help: "Where its API is.") var url: String?
        @Option(help: ArgumentHelp("Who signs its certificate, in PEM.", valueName: "file")) var caFile: String?
        @Option(help: ArgumentHelp("Where a token lies, in place of a login.", valueName: "file")) var tokenFile:
            String?

        func run() async throws {
            guard name != ContextFile.local, !name.isEmpty, !name.contains(where: \.isNewline) else {
                throw Failure.input("a context is called otherwise than '\(name)'")
            }
            var file = try file()
            let known = file[name]
            guard let url = url ?? known?.url else { throw Failure.input("--url: say where the API of '\(name)' is") }
            let address = try APIAddress(url, option: "--url")
            file.set(
                Context(
                    name: name, url: address.base, authority: caFile.map(DaemonLocation.absolute) ?? known?.authority,
                    tokenFile: tokenFile.map(DaemonLocation.absolute) ?? known?.tokenFile))
            try file.write()
            say("\(name) is \(address)")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a name; a login for it stays until `logout`.",
            discussion: "EXAMPLE\n  carillon context remove work")
        @Argument(help: "Its name.") var name: String

        func run() async throws {
            var file = try file()
            try check(name, in: file)
            file.remove(name)
            try file.write()
            say("\(name) is forgotten")
        }
    }
}
