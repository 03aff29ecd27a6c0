import AsyncHTTPClient
import CarillonDaemon
import CarillonEngine
package import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// Asks servers over HTTP for a command. Redirects are not followed, so that a token goes nowhere else.
package struct WebClient: Sendable {
    package struct Request: Sendable {
        package var method = "GET"
        package var url: String
        package var headers: [(name: String, value: String)] = []
        package var body: [UInt8]?

        package init(_ method: String = "GET", _ url: String) {
            self.method = method
            self.url = url
        }
    }

    package struct Answer: Sendable {
        package var status: Int
        /// By their names in lower case.
        package var headers: [String: String]
        package var body: Data
    }

    /// Who signs the certificates that are trusted, as a file in PEM; nil for those of the machine.
    private let authority: String?
    /// Seconds without an answer after which a server is given up.
    private let patience: Double

    package init(authority: String?, patience: Double) {
        self.authority = authority
        self.patience = patience
    }

    /// One for each file of authorities, for as long as the command runs: its connections are used again.
    private static let clients = Mutex<[String: HTTPClient]>([:])

    private var client: HTTPClient {
        Self.clients.withLock { clients in
            if let known = clients[authority ?? ""] { return known }
            var settings = HTTPClient.Configuration(
                redirectConfiguration: .disallow, timeout: .init(connect: .microseconds(Int64(patience * 1_000_000))))
            settings.httpVersion = .http1Only
            settings.connectionPool.retryConnectionEstablishment = false
            var tls = TLSConfiguration.makeClientConfiguration()
            if let authority { tls.additionalTrustRoots = [.file(authority)] }
            settings.tlsConfiguration = tls
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
            clients[authority ?? ""] = client
            return client
        }
    }

    private static let mostBytes = 1 << 30

    /// Asks, and takes at most so many bytes of the body, the first ones. While `isAlive` is asked for and says so, an answer
    /// is waited for as long as it takes. Throws `Failure`: of code 3 where nobody listens, and 4 where nobody answers.
    package func send(
        _ request: Request, first most: Int = mostBytes, isAlive: (@Sendable () async -> Bool)? = nil
    ) async throws -> Answer {
        if let authority, !FileManager.default.isReadableFile(atPath: authority) {
            throw Failure.input("\(authority), which is to name authorities, cannot be read")
        }
        do {
            return try await withThrowingTaskGroup(of: Answer?.self) { group in
                group.addTask { try await exchange(request, most) }
                group.addTask {
                    try await watch(isAlive)
                    return nil
                }
                defer { group.cancelAll() }
                while let next = try await group.next() {
                    if let answer = next { return answer }
                }
                throw CancellationError()
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw failure(of: error, request)
        }
    }

    private struct Silent: Error {}

    /// Throws once nobody says anything for too long; ends with its task.
    private func watch(_ isAlive: (@Sendable () async -> Bool)?) async throws {
        let clock = SystemClock()
        let span = Int64(patience * 1_000_000)
        guard let isAlive else {
            try await clock.sleep(for: span)
            throw Silent()
        }
        while true {
            try await clock.sleep(for: span / 2)
            let isHeard = try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask { await isAlive() }
                group.addTask {
                    try await clock.sleep(for: span / 2)
                    return false
                }
                defer { group.cancelAll() }
                return try await group.next() ?? false
            }
            if !isHeard { throw Silent() }
        }
    }

    private func exchange(_ request: Request, _ most: Int) async throws -> Answer {
        var asked = HTTPClientRequest(url: request.url)
        asked.method = HTTPMethod(rawValue: request.method)
        for (name, value) in request.headers { asked.headers.add(name: name, value: value) }
        if let body = request.body { asked.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await client.execute(asked, deadline: .distantFuture)
        var body = Data()
        for try await part in response.body {
            body.append(contentsOf: part.readableBytesView)
            if body.count >= most { break }
        }
        let headers = Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { $0 + ", " + $1 }
        return Answer(status: Int(response.status.code), headers: headers, body: Data(body.prefix(most)))
    }

    // MARK: What went wrong

    private func failure(of error: any Error, _ request: Request) -> Failure {
        let place = request.url.split(separator: "/").prefix(2).joined(separator: "//")
        switch error {
        case is Silent:
            return .noAnswer("\(place) does not answer: not a word within \(Int(patience.rounded(.up))) s")
        case let error as HTTPClientError where error == .connectTimeout || error == .deadlineExceeded:
            return .noAnswer("\(place) does not answer: no connection within \(Int(patience.rounded(.up))) s")
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            return .noAnswer("\(place) closed the connection without an answer")
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return .failed("\(place): no TLS: \(Self.words(tls: "\(error)"))")
        case let error as NIOConnectionError:
            guard let first = error.connectionErrors.first else {
                return .noDaemon("there is no host '\(error.host)'")
            }
            return failure(of: first.error, request)
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            return .noDaemon("nobody listens at \(place)")
        case let error as IOError:
            return .noDaemon("\(place) cannot be reached: \(String(cString: strerror(error.errnoCode)).lowercased())")
        default: return .failed("\(place) cannot be asked: \(error)")
        }
    }

    private static func words(tls text: String) -> String {
        if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidateCertificate") {
            return "its certificate is by nobody who is trusted here; CARILLON_CA_FILE, or ca_file of a context, names "
                + "a file of authorities that are"
        }
        if text.contains("failedToValidateHostname") { return "its certificate is for another name" }
        if text.contains("WRONG_VERSION_NUMBER") { return "it speaks in the clear, so its address begins with http://" }
        return text
    }
}
