import APIClient
package import ArgumentParser
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import Timetable

package struct LoginCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Log in at an OpenID provider, for a daemon's API.",
        discussion: """
            The address of the login is printed, and opened where there is a desktop; the browser comes back to \
            http://localhost:5556/callback. With --device a short code is typed into a browser elsewhere. What the provider gives \
            is kept in logins.json below ~/.local/state/carillon, for this user alone, and renewed.

            A secret is better in a file or in CARILLON_CLIENT_SECRET: others on this machine can read command lines.

            EXAMPLES
              carillon login -i https://id.example.com/realms/work -c carillon
              carillon login -u https://carillon.example.com -i https://id.example.com -c carillon --device
            """)
    @OptionGroup var place: DaemonLocation
    @Option(
        name: [.customShort("i"), .customLong("issuer")], help: "The provider's address, as its tokens name it.")
    var issuer: String
    @Option(name: [.customShort("c"), .customLong("client-id")], help: "What the provider calls this program.")
    var client: String
    @Option(
        name: [.customShort("s"), .customLong("client-secret")],
        help: "The program's secret, where the provider wants one (CARILLON_CLIENT_SECRET).")
    var secret: String?
    @Option(
        name: .customLong("client-secret-file"), help: ArgumentHelp("A file that holds it.", valueName: "file"))
    var secretFile: String?
    @Option(help: "What to ask for, such as jobs:read; may be repeated.") var scope: [String] = []
    @Flag(help: "Type a code into a browser elsewhere.") var device = false
    @Flag(help: "Print the address, and open nothing.") var noBrowser = false
    @Flag(help: "Tell secrets to a provider that has no TLS.") var insecure = false

    package init() {}

    package func run() async throws {
        let web = try place.web()
        let client = OpenIDClient.Client(id: client, secret: try readSecret())
        let provider = try await OpenIDClient(issuer: issuer, client, insecure: insecure, web)
        let scopes = scope.isEmpty ? provider.scopes() : ["openid"] + scope.filter { $0 != "openid" }
        let grant = try await device ? byCode(provider, scopes) : byBrowser(provider, scopes)
        let url = try place.remote()?.address.base
        let login = Login(url: url, client, at: provider, grant, now: SystemClock().now)
        try await place.logins.put(login)
        let end = login.expiresAt.map { "; the token expires \(TimeFormatter().relative($0))" } ?? ""
        let renews = grant.refreshToken == nil ? "" : " and is renewed"
        say("logged in at \(provider.issuer)\(url.map { " for \($0)" } ?? "")\(end)\(end.isEmpty ? "" : renews)")
        if let scope = grant.scope { say("good for: \(scope)") }
    }

    private func readSecret() throws -> String? {
        if secret != nil, secretFile != nil {
            throw Failure.input("give --client-secret or --client-secret-file, not both")
        }
        if let secret { return secret.isEmpty ? nil : secret }
        if let secretFile {
            guard let text = try? String(contentsOfFile: DaemonLocation.absolute(secretFile), encoding: .utf8) else {
                throw Failure.input("--client-secret-file: \(secretFile) cannot be read")
            }
            return text.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        return ProcessInfo.processInfo.environment["CARILLON_CLIENT_SECRET"].flatMap { $0.isEmpty ? nil : $0 }
    }

    private func byCode(_ provider: OpenIDClient, _ scopes: [String]) async throws -> OpenIDClient.Grant {
        let device = try await provider.device(scopes)
        Terminal.error("open \(device.address) in a browser, and type \(device.code)")
        if let whole = device.wholeAddress { Terminal.error("or open \(whole)") }
        return try await provider.grant(device)
    }

    private func byBrowser(_ provider: OpenIDClient, _ scopes: [String]) async throws -> OpenIDClient.Grant {
        let attempt = provider.attempt(scopes, redirect: CallbackServer.redirect)
        let isDesktop = !noBrowser && Browser.isThere
        return try await CallbackServer(attempt) { try await provider.grant(code: $0, attempt) }.wait {
            Terminal.error("open this in a browser of this machine:\n\(attempt.address)")
            if isDesktop { Browser.open(attempt.address) }
        }
    }
}

/// The browser of whoever sits before this machine.
private enum Browser {
    private static let program = "/usr/bin/xdg-open"

    static var isThere: Bool {
        let environment = ProcessInfo.processInfo.environment
        let hasDesktop = ["DISPLAY", "WAYLAND_DISPLAY"].contains { environment[$0]?.isEmpty == false }
        return hasDesktop && access(program, X_OK) == 0
    }

    /// Whether it opens or not, the address stands on the terminal.
    static func open(_ address: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [address]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try? process.run()
    }
}

package struct LogoutCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Forget a login, and have its provider forget it.",
        discussion: """
            EXAMPLES
              carillon logout
              carillon logout -u https://carillon.example.com
            """)
    @OptionGroup var place: DaemonLocation

    package init() {}

    package func run() async throws {
        let url = try place.remote()?.address.base
        guard let issuer = try await place.logins.remove(for: url, try place.web()) else {
            return say("nobody is logged in\(url.map { " for \($0)" } ?? "")")
        }
        say("logged out at \(issuer)\(url.map { " for \($0)" } ?? "")")
    }
}
