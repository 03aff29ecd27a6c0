import APIClient
package import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import ControlAPI
import Foundation
import Timetable

package struct OpenCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Print a link that opens the pages in a browser, once.",
        discussion: """
            The link is good for a minute and for one browser, which then has a session: 7 days at most, 12 hours without a visit. \
            What is done there stands in `carillon audit` under the name of who printed it.

            EXAMPLES
              carillon open
              carillon open --read-only
              xdg-open "$(carillon open)"
            """)
    @OptionGroup var place: DaemonLocation
    @Flag(help: "Let whoever opens it look, and change nothing.") var readOnly = false
    @Flag(help: "Print one JSON object.") var json = false

    /// Microseconds.
    private static let patience: Int64 = 60_000_000

    package init() {}

    package func run() async throws {
        let secret = TokenSecret.draw()
        let now = SystemClock().now
        let digest = TokenSecret.digest(of: secret)
        let scopes = readOnly ? [Scope.jobsRead, .runsRead, .systemRead] : Scope.all
        let base = try base()
        let end = now.adding(microseconds: Self.patience)
        let token = AccessToken(
            name: "link \(digest.prefix(12))", digest: digest, scopes: Set(scopes.map(\.rawValue)), createdAt: now,
            expiresAt: end, use: .link, holder: NSUserName())
        _ = try await DaemonClient(place: place).ask(.addToken(token))
        let link = "\(base)/login?key=\(secret)"
        if json { return try say(json: JSONObject([("url", link), ("expiresAt", end)])) }
        Terminal.error("good for one browser, within a minute:")
        say("\(link)")
    }

    /// Where the pages are: what this command talks to, or where the daemon of the state directory listens.
    private func base() throws -> String {
        if let remote = try place.remote() { return remote.address.base }
        let settings = try place.settings(zones: ZoneDatabase())
        guard let api = settings[APISettings.self] else {
            throw Failure.input("the settings have no [api], and the pages are served beside it")
        }
        if let web = settings[WebSettings.self], !web.isEnabled { throw Failure.input("web.enabled is false") }
        if let url = api.publicURL { return url }
        let path = place.stateDirectory + "/api-address"
        let listening = (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .newlines)
        guard let address = listening.flatMap({ ListenAddress($0) }) ?? api.address else {
            throw Failure.input("api.listen names no address")
        }
        // Every address of the machine is this one here.
        let host = ["0.0.0.0", "::"].contains(address.host) ? "127.0.0.1" : address.host
        return "\(api.tls == nil ? "http" : "https")://\(host.contains(":") ? "[\(host)]" : host):\(address.port)"
    }
}
