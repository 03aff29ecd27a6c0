import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// The web server of a Frappe site on which the app Background Tasks Unleashed is installed.
///
/// Requests are bounded in time, and repeated at most once; redirects are not followed, so that the token goes nowhere
/// else.
public final class FrappeSite: Sendable {
    private let configuration: FrappeSiteConfiguration
    private let client: HTTPClient

    public var address: String { configuration.address }

    public init(_ configuration: FrappeSiteConfiguration) {
        self.configuration = configuration
        var settings = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(3)))
        settings.httpVersion = .http1Only
        // How often and when to try again is decided here.
        settings.connectionPool.retryConnectionEstablishment = false
        if configuration.isSecure, let name = configuration.siteName {
            settings.dnsOverride = [name: configuration.host]
        }
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = configuration.caFile { tls.trustRoots = .file(file) }
        if !configuration.verifies { tls.certificateVerification = .none }
        settings.tlsConfiguration = tls
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }

    public func close() async { try? await client.shutdown() }

    /// Asks for the call of a task, as its worker reads it. Throws `FrappeSiteError`: `away`, `failing`, `refused` or
    /// `cancelled`. `limit` (microseconds) shortens what one request may take.
    public func pickle(
        task: String, schedule: String?, within limit: Int64? = nil
    ) async throws(FrappeSiteError) -> [UInt8] {
        let answer: Data
        do throws(FrappeSiteError) {
            answer = try await insist(
                "get_pickled_task", TaskQuery(task: task, schedule: schedule), limit)
        } catch {
            throw error.code == .slow ? FrappeSiteError(.failing, error.message) : error
        }
        guard let message = try? JSONDecoder().decode(PickleAnswer.self, from: answer).message, !message.isEmpty else {
            throw refusal("answered something else than a pickle for task '\(task)'", answer)
        }
        return message
    }

    /// Whether the site answers: its word is `pong`.
    public func ping() async throws(FrappeSiteError) -> String {
        let answer = try await ask("test_ping", nil)
        guard let word = try? JSONDecoder().decode(PingAnswer.self, from: answer).message else {
            throw refusal("answered something else than a word", answer)
        }
        return word
    }

    /// Asks for the bytes of a sample call: `test_function_ping_now_bytes` or `test_hello_world_bytes`.
    public func sample(_ method: String) async throws(FrappeSiteError) -> [UInt8] {
        [UInt8](try await ask(method, nil))
    }

    // MARK: Asking

    /// Asks, and once more after trouble: the whole site may be in it, or this request alone: its ping tells.
    private func insist(
        _ method: String, _ body: TaskQuery, _ limit: Int64?
    ) async throws(FrappeSiteError) -> Data {
        let trouble: FrappeSiteError
        do throws(FrappeSiteError) {
            return try await ask(method, body, limit)
        } catch {
            guard error.code == .failing || error.code == .slow else { throw error }
            trouble = error
        }
        do throws(FrappeSiteError) {
            _ = try await ping()
        } catch {
            throw error.code == .cancelled ? error : FrappeSiteError(.away, trouble.message)
        }
        // One that was slow has had its time; whatever else passed meanwhile, such as a connection that was closed, is over.
        guard trouble.code == .failing else { throw FrappeSiteError(.failing, trouble.message) }
        return try await ask(method, body, limit)
    }

    private func ask(
        _ method: String, _ body: TaskQuery?, _ limit: Int64? = nil
    ) async throws(FrappeSiteError) -> Data {
        var request = HTTPClientRequest(
            url: configuration.base + "/api/method/btu.btu_api.endpoints.\(method)")
        request.headers.add(name: "Authorization", value: configuration.token)
        request.headers.add(name: "Accept", value: "application/json")
        if let header = configuration.hostHeader, !header.isEmpty {
            request.headers.replaceOrAdd(name: "Host", value: header)
        }
        if let body, let text = try? JSONEncoder().encode(body) {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: text))
        }
        let timeout = min(limit ?? .max, configuration.timeout)
        let status: HTTPResponseStatus
        let answer: Data
        do {
            (status, answer) = try await fetch(request, timeout)
        } catch {
            throw fault(error, timeout)
        }
        switch status.code {
        case 200..<300: return answer
        case 429, 500...: throw FrappeSiteError(.failing, "\(address) answers \(said(status, answer))")
        default: throw FrappeSiteError(.refused, "\(address) answers \(said(status, answer))")
        }
    }

    private static let mostBytes = 64 << 20

    /// Bounds the whole of it: the library's own time-out ends when the answer begins.
    private func fetch(_ request: HTTPClientRequest, _ timeout: Int64) async throws -> (HTTPResponseStatus, Data) {
        let client = client
        return try await withThrowingTaskGroup { group in
            group.addTask {
                let response = try await client.execute(request, timeout: .microseconds(timeout))
                let body = try await response.body.collect(upTo: Self.mostBytes)
                return (response.status, Data(body.readableBytesView))
            }
            group.addTask {
                try await Task.sleep(nanoseconds: UInt64(timeout) * 1_000)
                throw HTTPClientError.deadlineExceeded
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw CancellationError() }
            return answer
        }
    }

    private func fault(_ error: any Error, _ timeout: Int64) -> FrappeSiteError {
        if error is CancellationError || Task.isCancelled { return FrappeSiteError(.cancelled, "cancelled") }
        switch error {
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            let seconds = Double(timeout) / 1_000_000
            return FrappeSiteError(.slow, "\(address) did not answer within \(seconds) s")
        case let error as HTTPClientError where error == .connectTimeout:
            return FrappeSiteError(.away, "\(address) cannot be reached: no answer")
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            return FrappeSiteError(.failing, "\(address) closed the connection without an answer")
        case is NIOTooManyBytesError:
            return FrappeSiteError(.refused, "\(address) answered more than \(Self.mostBytes >> 20) MiB")
        default: return FrappeSiteError(.away, "\(address) cannot be reached: \(Self.words(error))")
        }
    }

    /// Describes an error without the library's own words around the system's.
    private static func words(_ error: any Error) -> String {
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)).lowercased() }
        if let error = error as? NIOConnectionError, let first = error.connectionErrors.first {
            return words(first.error)
        }
        return "\(error)"
    }

    /// Describes a status, with what Frappe says in the body of an error.
    private func said(_ status: HTTPResponseStatus, _ body: Data) -> String {
        let why = (try? JSONDecoder().decode(Complaint.self, from: body))?.words
        return "\(status.code) \(status.reasonPhrase)" + (why.map { ": \($0)" } ?? "")
    }

    private func refusal(_ what: String, _ answer: Data) -> FrappeSiteError {
        let start = String(decoding: answer.prefix(80), as: UTF8.self).filter { !$0.isNewline }
        return FrappeSiteError(.refused, "\(address) \(what): \(start)")
    }
}
