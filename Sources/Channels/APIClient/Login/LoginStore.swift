import CarillonDaemon
import CarillonEngine
import Foundation
package import Timetable

/// A login that was made, with all that renews it.
package struct Login: Codable, Sendable {
    /// Of the API that it is for; nil where none was named.
    package var url: String?
    package var issuer: String
    var clientID: String
    var clientSecret: String?
    var isBasic: Bool
    var tokenEndpoint: String
    var revocationEndpoint: String?
    var accessToken: String
    var refreshToken: String?
    package var expiresAt: Timestamp?

    package init(
        url: String?, _ client: OpenIDClient.Client, at provider: OpenIDClient, _ grant: OpenIDClient.Grant,
        now: Timestamp
    ) {
        self.url = url
        issuer = provider.issuer
        (clientID, clientSecret, isBasic) = (client.id, client.secret, provider.isBasic)
        (tokenEndpoint, revocationEndpoint) = (provider.tokenEndpoint, provider.revocationEndpoint)
        accessToken = grant.accessToken
        take(grant, now)
    }

    fileprivate mutating func take(_ grant: OpenIDClient.Grant, _ now: Timestamp) {
        accessToken = grant.accessToken
        refreshToken = grant.refreshToken ?? refreshToken
        expiresAt = grant.expiresIn.map { now.adding(microseconds: Int64($0 * 1_000_000)) }
    }

    fileprivate var client: OpenIDClient.Client { .init(id: clientID, secret: clientSecret) }
}

/// The logins of this user: a file that nobody else may read.
package struct LoginStore: Sendable {
    private let path: String

    package init(path: String) { self.path = path }

    /// Answers the login that was made for an API, or with none named. Throws `Failure`.
    package func login(for url: String?) throws -> Login? { try all().first { $0.url == url } }

    /// Puts a login in the place of the one for the same API.
    package func put(_ login: Login) async throws {
        try await change { all in
            all.removeAll { $0.url == login.url }
            all.append(login)
        }
    }

    /// Removes a login, and has its provider forget it, if that can be. Answers its issuer; nil where there was none.
    package func remove(for url: String?, _ web: WebClient) async throws -> String? {
        guard let login = try login(for: url) else { return nil }
        try await change { all in all.removeAll { $0.url == url } }
        if let end = login.revocationEndpoint {
            let token = login.refreshToken ?? login.accessToken
            let _: OpenIDClient.Nothing? = try? await OpenIDClient.post(
                end, [("token", token)], login.client, isBasic: login.isBasic, web)
        }
        return login.issuer
    }

    /// The token of a login, renewed where it is about to expire. Throws `Failure` when that fails.
    package func token(for url: String?, _ web: WebClient) async throws -> String? {
        guard let login = try login(for: url) else { return nil }
        let isFresh = login.expiresAt.map { SystemClock().now < $0.adding(microseconds: -Self.margin) } ?? true
        return isFresh ? login.accessToken : try await renewed(login, web).accessToken
    }

    /// The token of a login whose present one is refused; nil where nothing renews it.
    package func renewedToken(for url: String?, _ web: WebClient) async throws -> String? {
        guard let login = try login(for: url), login.refreshToken != nil else { return nil }
        return try await renewed(login, web).accessToken
    }

    /// Microseconds that a token is renewed before its end.
    private static let margin: Int64 = 30_000_000

    private func renewed(_ login: Login, _ web: WebClient) async throws -> Login {
        try await change { all in
            guard let place = all.firstIndex(where: { $0.url == login.url }) else { return login }
            // Another command may have been faster: what renews a token is often good for once.
            if all[place].accessToken != login.accessToken { return all[place] }
            guard let token = all[place].refreshToken else {
                throw Failure.failed("the login at \(login.issuer) is over; `carillon login` makes another")
            }
            do {
                let grant: OpenIDClient.Grant = try await OpenIDClient.post(
                    login.tokenEndpoint, [("grant_type", "refresh_token"), ("refresh_token", token)], login.client,
                    isBasic: login.isBasic, web)
                all[place].take(grant, SystemClock().now)
            } catch let refusal as OpenIDClient.Refusal {
                throw Failure.failed(
                    "the login at \(login.issuer) is over (\(refusal.words)); `carillon login` makes another")
            }
            return all[place]
        }
    }

    // MARK: The file

    private func all() throws -> [Login] {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return [] }
        guard facts.st_mode & 0o077 == 0, facts.st_uid == geteuid() else {
            throw Failure.failed("\(path) holds tokens, and others may read it: chmod 600")
        }
        do {
            return try JSONDecoder().decode([Login].self, from: try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw Failure.failed("\(path) cannot be read: \(error.localizedDescription)")
        }
    }

    /// Changes the list, one command at a time.
    @discardableResult
    private func change<Value>(_ body: (inout [Login]) async throws -> Value) async throws -> Value {
        let folder = (path as NSString).deletingLastPathComponent
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw Self.unwritten(path) }
        defer { close(lock) }
        guard flock(lock, LOCK_EX) == 0 else { throw Self.unwritten(path) }
        var logins = try all()
        let value = try await body(&logins)
        try write(logins)
        return value
    }

    private func write(_ logins: [Login]) throws {
        // Written beside it and moved, so that nobody reads half of it.
        let draft = path + ".new"
        unlink(draft)
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.unwritten(draft) }
        defer { close(file) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = Array(try encoder.encode(logins))
        guard Foundation.write(file, bytes, bytes.count) == bytes.count, rename(draft, path) == 0 else {
            throw Self.unwritten(path)
        }
    }

    private static func unwritten(_ path: String) -> Failure {
        .failed("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
}
