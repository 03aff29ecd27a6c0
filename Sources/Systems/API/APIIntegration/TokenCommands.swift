package import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import ControlAPI
import Timetable

package struct TokenCommands: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Tokens that let programs use the API.",
        subcommands: [Create.self, List.self, Revoke.self])

    package init() {}

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print its secret, which nobody can read again.",
            discussion: """
                EXAMPLE
                  carillon token create grafana --scope jobs:read --scope runs:read --expires 90d
                """)
        @OptionGroup var place: DaemonLocation
        @Argument(help: "What it is called.") var name: String
        @Option(
            help:
                "What it is good for: jobs:read, jobs:write, runs:read, runs:write, exec:write, system:read, system:write; may be repeated."
        )
        var scope: [String]
        @Option(help: "For how long, such as 90d; for ever without.") var expires: String?
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let scopes = Set(scope.flatMap { $0.split(separator: ",").map(String.init) })
            let known = Set(Scope.all.map(\.rawValue))
            if let strange = scopes.subtracting(known).min() {
                throw Failure.input(
                    "--scope: expected some of \(known.sorted().joined(separator: ", ")), found \(strange)")
            }
            if scopes.isEmpty { throw Failure.input("--scope: a token needs one, such as jobs:read") }
            let now = SystemClock().now
            var end: Timestamp?
            if let expires {
                do throws(ScheduleError) {
                    end = now.adding(microseconds: try Span.parse(expires))
                } catch {
                    throw Failure.input("--expires: \(error.message)")
                }
            }
            let secret = TokenSecret.draw()
            let token = AccessToken(
                name: Job.canonical(name), digest: TokenSecret.digest(of: secret), scopes: scopes, createdAt: now,
                expiresAt: end)
            _ = try await DaemonClient(place: place).ask(.addToken(token))
            if json {
                return try say(
                    json: JSONObject([
                        ("name", token.name), ("token", secret), ("scopes", scopes.sorted()), ("expiresAt", end),
                    ]))
            }
            say("\(secret)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Which tokens there are.")
        @OptionGroup var place: DaemonLocation
        @OptionGroup var times: TimeOptions
        @Flag(help: "Print one JSON object a line.") var json = false

        func run() async throws {
            guard case .tokens(let tokens) = try await DaemonClient(place: place).ask(.tokens) else {
                throw DaemonClient.otherKind
            }
            if json {
                for token in tokens {
                    try say(
                        json: JSONObject([
                            ("name", token.name), ("scopes", token.scopes.sorted()), ("createdAt", token.createdAt),
                            ("expiresAt", token.expiresAt), ("usedAt", token.usedAt), ("use", token.use?.rawValue),
                        ]))
                }
                return
            }
            if tokens.isEmpty { return say("there is no token") }
            let moment = try times.formatter()
            var table = TextTable("NAME", "SCOPES", "EXPIRES", "LAST USED")
            for token in tokens {
                table.add(
                    .init(token.name), .init(token.scopes.sorted().joined(separator: " ")),
                    .init(token.expiresAt.map { moment.relative($0) } ?? "never"),
                    .init(token.usedAt.map { moment.relative($0) } ?? "never"))
            }
            table.print()
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a token be good for nothing.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "What it is called.") var name: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await DaemonClient(place: place).tell(.revokeToken(Job.canonical(name)), json: json)
        }
    }
}
