import CarillonDaemon
import CarillonEngine
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// Waits on this machine for the browser that comes back from a login.
package struct CallbackServer: Sendable {
    /// Where every provider is told to send the browser.
    package static let port = 5556
    package static let redirect = "http://localhost:5556/callback"

    /// Microseconds that a person has.
    private static let patience: Int64 = 300_000_000

    private static var quiet: Logger { Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() } }

    private let attempt: OpenIDClient.Attempt
    private let exchange: @Sendable (String) async throws -> OpenIDClient.Grant

    /// `exchange` makes tokens of a code.
    package init(
        _ attempt: OpenIDClient.Attempt, _ exchange: @escaping @Sendable (String) async throws -> OpenIDClient.Grant
    ) {
        self.attempt = attempt
        self.exchange = exchange
    }

    /// Listens, calls `ready`, and answers what the login came to. Throws `Failure`.
    package func wait(_ ready: @escaping @Sendable () async -> Void) async throws -> OpenIDClient.Grant {
        let (ends, end) = AsyncStream.makeStream(of: Result<OpenIDClient.Grant, any Error>.self)
        // A browser may take the name for either address.
        let first = application("127.0.0.1", end) { await ready() }
        let second = application("::1", end) {}
        return try await withThrowingTaskGroup(of: Result<OpenIDClient.Grant, any Error>?.self) { group in
            let services = [first, second].map {
                ServiceGroup(configuration: .init(services: [$0], logger: Self.quiet))
            }
            group.addTask {
                do {
                    try await services[0].run()
                } catch let error as IOError {
                    throw Failure.failed(
                        "localhost:\(Self.port), where the login comes back to, is taken: \(error); --device needs none"
                    )
                }
                return nil
            }
            group.addTask {
                // Not every machine has it.
                try? await services[1].run()
                return nil
            }
            group.addTask {
                for await result in ends { return result }
                return nil
            }
            group.addTask {
                try await SystemClock().sleep(for: Self.patience)
                throw Failure.failed("nobody logged in within five minutes")
            }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                guard let result = next else { continue }
                // The page is on its way.
                for service in services { await service.triggerGracefulShutdown() }
                group.addTask {
                    try await SystemClock().sleep(for: 500_000)
                    return nil
                }
                _ = try? await group.next()
                return try result.get()
            }
            throw Failure.failed("the login came to nothing")
        }
    }

    private func application(
        _ host: String, _ end: AsyncStream<Result<OpenIDClient.Grant, any Error>>.Continuation,
        _ running: @escaping @Sendable () async -> Void
    ) -> some Service {
        let router = Router()
        router.get("callback") { request, _ in await self.answer(request, end) }
        return Application(
            router: router, configuration: .init(address: .hostname(host, port: Self.port), serverName: "carillon"),
            onServerRunning: { _ in await running() }, logger: Self.quiet)
    }

    private func answer(
        _ request: Request, _ end: AsyncStream<Result<OpenIDClient.Grant, any Error>>.Continuation
    ) async -> Response {
        let query = request.uri.queryParameters
        // Whoever does not know it was not sent by this login, and ends it neither well nor badly.
        guard query["state"].map(String.init) == attempt.state else {
            return Self.page(.badRequest, "This is not the login that the command waits for.") {}
        }
        if let error = query["error"].map(String.init) {
            let words = query["error_description"].map { ": \($0)" } ?? ""
            return Self.page(.badRequest, "The provider does not let you in.") {
                end.yield(.failure(Failure.failed("the provider refuses: \(error)\(words)")))
            }
        }
        guard let code = query["code"].map(String.init), !code.isEmpty else {
            return Self.page(.badRequest, "There is no code.") {}
        }
        do {
            let grant = try await exchange(code)
            return Self.page(.ok, "You are logged in, and may close this page.") { end.yield(.success(grant)) }
        } catch {
            return Self.page(.badRequest, "The login failed; the command says why.") { end.yield(.failure(error)) }
        }
    }

    /// A page, and what is done once it is written.
    private static func page(
        _ status: HTTPResponse.Status, _ words: String, _ done: @escaping @Sendable () -> Void
    ) -> Response {
        let text = "<!doctype html><title>Carillon</title><p>\(words)</p>\n"
        return Response(
            status: status,
            headers: [
                .contentType: "text/html; charset=utf-8", .contentSecurityPolicy: "default-src 'none'",
                .cacheControl: "no-store", .connection: "close",
            ],
            body: .init { writer in
                // Also when nobody waits for the page any more.
                defer { done() }
                try await writer.write(ByteBuffer(string: text))
                try await writer.finish(nil)
            })
    }
}
