package import APIClient
import CarillonConfiguration
import CarillonDaemon
import Foundation
import Timetable

/// A daemon that is asked over its API.
extension DaemonLocation {
    /// An address, and what is known beside it.
    package struct Remote {
        package var address: APIAddress
        package var authority: String?
        var tokenFile: String?
    }

    private var environment: [String: String] { ProcessInfo.processInfo.environment }

    private func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

    private func folder(_ variable: String, _ usual: String) -> String {
        (self.variable(variable) ?? (self.variable("HOME") ?? NSHomeDirectory()) + usual) + "/carillon"
    }

    package var contextPath: String { folder("XDG_CONFIG_HOME", "/.config") + "/contexts.toml" }

    package var logins: LoginStore {
        LoginStore(path: folder("XDG_STATE_HOME", "/.local/state") + "/logins.json")
    }

    /// Answers what daemon elsewhere a command is about; nil for the one of this machine. Throws `Failure`.
    ///
    /// What the command line says comes first, then what the environment says, then the context in use.
    package func remote() throws -> Remote? {
        if let url { return try remote(url, option: "--url") }
        if let context { return try remote(context: context, option: "--context") }
        if state != nil || config != nil { return nil }
        if let url = variable("CARILLON_URL") { return try remote(url, option: "CARILLON_URL") }
        if let name = variable("CARILLON_CONTEXT") { return try remote(context: name, option: "CARILLON_CONTEXT") }
        if variable("CARILLON_STATE") != nil || variable("CARILLON_CONFIG") != nil { return nil }
        guard let name = try ContextFile(path: contextPath).current else { return nil }
        return try remote(context: name, option: contextPath)
    }

    private func remote(_ url: String, option: String) throws -> Remote {
        Remote(address: try APIAddress(url, option: option), authority: variable("CARILLON_CA_FILE"))
    }

    private func remote(context name: String, option: String) throws -> Remote? {
        if name == ContextFile.local { return nil }
        guard let context = try ContextFile(path: contextPath)[name] else {
            throw Failure.input("\(option): there is no context '\(name)'; see `carillon context list`")
        }
        var remote = try remote(context.url, option: contextPath)
        remote.authority = remote.authority ?? context.authority.map(Self.absolute)
        remote.tokenFile = context.tokenFile.map(Self.absolute)
        return remote
    }

    /// Asks over HTTP what is no daemon, such as a provider.
    package func web() throws -> WebClient {
        WebClient(authority: try remote()?.authority ?? variable("CARILLON_CA_FILE"), patience: patience)
    }

    /// A client of a daemon that is elsewhere, with the tokens that are at hand.
    package func client(of remote: Remote) throws -> APIClient {
        APIClient(remote.address, try tokens(of: remote), authority: remote.authority, patience: patience)
    }

    private func tokens(of remote: Remote) throws -> TokenSource {
        let isSafe = remote.address.isSecure || remote.address.isLoopback || variable("CARILLON_INSECURE") != nil
        if !isSafe, variable("CARILLON_TOKEN") != nil || remote.tokenFile != nil {
            throw Failure.input(
                "\(remote.address) is elsewhere, and without TLS: the token would go there in the clear; CARILLON_INSECURE=1 lets it"
            )
        }
        // Who names one means that one.
        if let token = variable("CARILLON_TOKEN") { return TokenSource([{ _ in token }]) }
        if let file = remote.tokenFile {
            guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
                throw Failure.input("\(file), which is to hold a token, cannot be read")
            }
            let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
            return TokenSource([{ _ in token }])
        }
        let (logins, url) = (logins, remote.address.base)
        var all: [TokenSource.Find] = [
            { try await logins.token(for: url, $0) }, { try await logins.renewedToken(for: url, $0) },
        ]
        // Only for the daemon that it is of, while that runs: somebody else may listen elsewhere, or have its port.
        let path = stateDirectory + "/api-token"
        let place = try? String(contentsOfFile: stateDirectory + "/api-address", encoding: .utf8)
        if remote.address.isLoopback, place?.hasSuffix(":\(remote.address.port)\n") ?? false,
            StateLock.isHeld(stateDirectory)
        {
            all.append { _ in
                (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
            }
        }
        // A login that names no API is for all, as Simple Scheduler has it, but never in the clear to elsewhere.
        if remote.address.isSecure || remote.address.isLoopback {
            all += [{ try await logins.token(for: nil, $0) }, { try await logins.renewedToken(for: nil, $0) }]
        }
        return TokenSource(all)
    }
}
