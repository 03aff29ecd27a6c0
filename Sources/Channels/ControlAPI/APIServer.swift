package import CarillonCore
import CarillonEngine
package import CoreMetrics
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import Listening
package import Logging
import NIOCertificateReloading
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization
import Timetable

/// Serves endpoints over HTTP.
package struct APIServer<Clock: EngineClock>: Service {
    private typealias Context = PeerContext

    /// Bytes of a body.
    private static var longestBody: Int { 1 << 20 }
    /// Microseconds that a body may take to come.
    private static var patience: Int64 { 30_000_000 }
    /// Connections at once; the oldest gives way to one more.
    private static var mostConnections: Int { 1_000 }
    /// Answers without an end at once.
    private static var mostStreams: Int { 300 }
    /// Microseconds for which who listens is believed.
    private static var believed: Int64 { 10_000_000 }
    /// Microseconds from the call to end until connections that still say something are closed.
    private static var grace: Int64 { 5_000_000 }

    /// What the library says of itself is of no use to who reads the log.
    private static var quiet: Logger { Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() } }

    private let address: ListenAddress
    private let tls: TLSFiles?
    private let hosts: HostList
    private let endpoints: [Endpoint]
    private let gate: Gate<Clock>
    private let clock: Clock
    private let logger: Logger
    private let metrics: RequestMetrics
    private let web: WebSide?
    private let running: @Sendable (Int) async -> Void
    private let streams = StreamCount()

    /// `web` is what it has for browsers; `running` hears which port it has.
    package init(
        _ address: ListenAddress, tls: TLSFiles? = nil, hosts: HostList, _ endpoints: [Endpoint], _ gate: Gate<Clock>,
        _ clock: Clock,
        _ logger: Logger, web: WebSide? = nil, metrics: any MetricsFactory = MetricsSystem.factory,
        running: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.address = address
        self.tls = tls
        self.hosts = hosts
        self.endpoints = endpoints
        self.gate = gate
        self.clock = clock
        self.logger = logger
        self.web = web
        self.metrics = RequestMetrics(endpoints, metrics)
        self.running = running
    }

    /// Listens until it is told to end. Throws `ChannelUnusable` where it cannot.
    package func run() async throws {
        let router = Router(context: Context.self, options: .autoGenerateHeadEndpoints)
        let connections = ConnectionLimiter(most: Self.mostConnections)
        router.add(middleware: Guard(hosts: hosts, endpoints: endpoints, web: web, metrics: metrics, logger: logger))
        for (place, endpoint) in endpoints.enumerated() {
            let path = RouterPath(endpoint.path)
            router.on(path, method: .init(endpoint.method.rawValue)!) { request, context in
                try await self.counted(place) { try await self.serve(endpoint, request, context) }
            }
        }
        let logger = logger
        let channel = HTTP1Channel.Configuration(
            idleTimeout: .seconds(60),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 64 << 10, maxHeaderFieldCount: 100))
        let reloader = try tls?.reloader(every: 60, logger)
        if let path = address.path { try PrivateSocket.clear(path) }
        let app = Application(
            router: router,
            server: try reloader.map {
                var tls = try TLSConfiguration.makeServerConfiguration(certificateReloader: $0)
                tls.minimumTLSVersion = .tlsv12
                return try .http2Upgrade(
                    tlsConfiguration: tls,
                    configuration: .init(idleTimeout: .seconds(60), streamConfiguration: channel))
            } ?? .http1(configuration: channel),
            configuration: .init(address: address.binding, serverName: "carillon"),
            onServerRunning: { [running, address] channel in
                let port = channel.localAddress?.port ?? 0
                // Whoever may reach it still has to show a token.
                if let path = address.path { chmod(path, 0o660) }
                try? await channel.pipeline.addHandler(Doorkeeper(connections: connections), position: .first).get()
                let place = address.path ?? channel.localAddress?.description ?? ""
                logger.notice("the API listens", metadata: ["address": "\(place)"])
                await running(port)
            }, logger: Self.quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let reloader { group.addTask { try await reloader.run() } }
            group.addTask { while (try? await clock.sleep(for: 60_000_000)) != nil { await gate.keepUse() } }
            group.addTask {
                // Whoever says nothing, and reads nothing, keeps nobody from ending.
                try? await gracefulShutdown()
                try? await clock.sleep(for: Self.grace)
                connections.closeAll()
            }
            do {
                try await app.run()
            } catch let error as IOError {
                throw Unusable(address: address, why: "\(error)")
            }
            group.cancelAll()
        }
        await gate.keepUse()
    }

    private struct Unusable: ChannelUnusable {
        var address: ListenAddress
        var why: String
        var description: String { "the API cannot listen on \(address): \(why)" }
    }

    private func counted(_ endpoint: Int, _ body: () async throws -> Response) async throws -> Response {
        let begun = clock.uptime
        do {
            let response = try await body()
            metrics.answered(endpoint, response.status.code, after: clock.uptime - begun)
            return response
        } catch {
            metrics.answered(endpoint, (error as? APIError)?.status ?? 500, after: clock.uptime - begun)
            throw error
        }
    }

    private func serve(_ endpoint: Endpoint, _ request: Request, _ context: Context) async throws -> Response {
        let from = Self.origin(of: request, context.peer)
        var caller = Caller(channel: "api", from: from)
        var scopes: Set<Scope> = []
        var session: String?
        if let scope = endpoint.scope {
            let principal = try await principal(of: request)
            try await gate.admit(principal)
            session = principal.session
            guard principal.scopes.contains(scope) else {
                var error = APIError(403, "missing-scopes", "Missing required scopes")
                error.missing = [scope]
                throw error
            }
            caller = Caller(user: principal.name, channel: "api", from: from)
            scopes = principal.scopes
        }
        var path: [String: String] = [:]
        for (name, value) in context.parameters {
            guard let text = String(value).removingPercentEncoding else {
                throw APIError.bad("\(name): expected percent-encoded UTF-8", String(name))
            }
            path[String(name)] = text
        }
        let query = try query(of: request, endpoint)
        var body: [UInt8] = []
        if endpoint.method != .get {
            do {
                body = try await self.body(of: request)
            } catch let error as APIError {
                throw error
            } catch is NIOTooManyBytesError {
                throw APIError(413, "too-large", "a body has at most \(Self.longestBody) bytes")
            } catch let error where !(error is CancellationError) {
                // A chunk that is none, or a connection that ends in the midst of it.
                throw APIError.bad("the body cannot be read: \(error)")
            }
        }
        let call = Call(
            path: path, query: query, headers: Guard.headers(of: request), body: body, caller: caller, scopes: scopes,
            session: session)
        return try await response(endpoint.serve(call), to: request)
    }

    /// Answers who makes a request: whoever has its token, or its session. Throws `APIError`.
    private func principal(of request: Request) async throws -> Principal {
        guard request.headers[.authorization] == nil,
            let secret = web?.cookie.secret(in: request.headers[HTTPField.Name("Cookie")!])
        else { return try await gate.principal(of: Self.token(of: request)) }
        // A browser sends its cookies along with what any page has it send.
        guard Guard.isSafe(request.method) || Guard.isOwn(request) else {
            throw APIError(403, "cross-site", "this was sent by no page of this daemon")
        }
        return try await gate.principal(ofSession: secret)
    }

    /// Reads a body; whoever sends one byte after the other holds its connection no longer than this takes.
    private func body(of request: Request) async throws -> [UInt8] {
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask { Array(buffer: try await request.body.collect(upTo: Self.longestBody)) }
            group.addTask { [clock] in
                try await clock.sleep(for: Self.patience)
                throw APIError(408, "too-slow", "the body has not come within \(Self.patience / 1_000_000) s")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }

    /// Says from where a request comes. Of a proxy on this machine, for whom it says that it asks: nobody else could have it say so
    /// without being on this machine.
    private static func origin(of request: Request, _ peer: String?) -> String? {
        guard let peer else { return nil }
        let isProxy = peer == "::1" || peer.hasPrefix("127.") || peer == PeerContext.socket
        guard isProxy, let said = request.headers[HTTPField.Name("X-Forwarded-For")!],
            let last = said.split(separator: ",").last?.trimming(\.isWhitespace), HostList.isAddress(String(last))
        else { return peer }
        return "\(last) by \(peer)"
    }

    /// What stands behind `Bearer`, whatever its case (RFC 6750, 2.1).
    private static func token(of request: Request) -> String? {
        guard let value = request.headers[.authorization] else { return nil }
        let words = value.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return String(words[1])
    }

    /// Reads the query strictly: no name that the endpoint does not know, and each once, but for lists, which come as lines.
    private func query(of request: Request, _ endpoint: Endpoint) throws -> [String: String] {
        var query: [String: String] = [:]
        let known = Set(endpoint.query.map(\.name))
        let lists = Set(endpoint.query.filter(\.isList).map(\.name))
        for (name, value) in request.uri.queryParameters {
            let name = String(name)
            guard known.contains(name) else {
                let words = known.isEmpty ? "none" : known.sorted().joined(separator: ", ")
                throw APIError.bad("\(name) is no parameter here; there are: \(words)", name)
            }
            if lists.contains(name), let before = query[name] {
                query[name] = before + "\n" + value
                continue
            }
            guard query.updateValue(String(value), forKey: name) == nil else {
                throw APIError.bad("\(name) is given twice", name)
            }
        }
        return query
    }

    /// Answers a body as it goes out, and says so.
    private static func packed(_ bytes: [UInt8], _ response: inout Response, _ request: Request) -> [UInt8] {
        guard bytes.count >= Gzip.least, Gzip.pays(response.headers[.contentType] ?? ""),
            response.headers[.contentEncoding] == nil
        else { return bytes }
        response.headers[.vary] = "Accept-Encoding"
        guard Gzip.isAccepted(request.headers[.acceptEncoding]), let packed = Gzip.compress(bytes) else { return bytes }
        response.headers[.contentEncoding] = "gzip"
        return packed
    }

    private func response(_ answer: Answer, to request: Request) async throws -> Response {
        var response = Response(status: HTTPResponse.Status(code: answer.status))
        if answer.body != nil { response.headers[.contentType] = answer.type }
        Guard.add(answer.headers, to: &response)
        switch answer.body {
        case nil: break
        case .whole(let bytes):
            response.body = .init(byteBuffer: ByteBuffer(bytes: Self.packed(bytes, &response, request)))
        case .parts(let begin) where answer.isLive:
            guard streams.count < Self.mostStreams else {
                var error = APIError(429, "too-many", "\(Self.mostStreams) streams are open already")
                error.retryAfter = 10
                throw error
            }
            response.body = .init { [streams, metrics, clock] writer in
                streams.enter()
                metrics.streams.increment()
                defer {
                    streams.leave()
                    metrics.streams.decrement()
                }
                try await request.body.consumeWithCancellationOnInboundClose { _ in
                    var checked = clock.uptime
                    for try await part in Parts(begin: begin).cancelOnGracefulShutdown() {
                        try await writer.write(ByteBuffer(bytes: part))
                        // Something comes often enough for a token that is over to end it.
                        guard clock.uptime - checked >= Self.believed else { continue }
                        checked = clock.uptime
                        _ = try await principal(of: request)
                    }
                }
                try await writer.finish(nil)
            }
        case .parts(let begin):
            // What fails before anything was said is an error like any other.
            var parts = begin()
            let first = try await parts.next()
            response.body = .init { [parts] writer in
                var parts = parts
                if let first { try await writer.write(ByteBuffer(bytes: first)) }
                while let part = try await parts.next() { try await writer.write(ByteBuffer(bytes: part)) }
                try await writer.finish(nil)
            }
        }
        return response
    }
}

/// How many streams are open.
private final class StreamCount: Sendable {
    private let open = Atomic(0)

    var count: Int { open.load(ordering: .relaxed) }
    func enter() { open.add(1, ordering: .relaxed) }
    func leave() { open.subtract(1, ordering: .relaxed) }
}

/// Parts of an answer, as they come.
private struct Parts: AsyncSequence, Sendable {
    let begin: @Sendable () -> any AsyncIteratorProtocol<[UInt8], any Error> & Sendable

    struct Iterator: AsyncIteratorProtocol {
        var parts: any AsyncIteratorProtocol<[UInt8], any Error> & Sendable

        mutating func next() async throws -> [UInt8]? { try await parts.next() }
    }

    func makeAsyncIterator() -> Iterator { Iterator(parts: begin()) }
}

/// Lets connections in, and remembers them.
private final class Doorkeeper: ChannelInboundHandler, Sendable {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    private let connections: ConnectionLimiter

    init(connections: ConnectionLimiter) { self.connections = connections }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connections.enter(unwrapInboundIn(data))
        context.fireChannelRead(data)
    }
}

/// A request, and who is at the other end of its connection.
private struct PeerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// An address, or `socket`; nil where the connection is gone.
    let peer: String?

    static let socket = "socket"

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress.map { $0.ipAddress ?? Self.socket }
    }
}

/// Refuses what is not for this daemon, and answers each error as one body.
private struct Guard: RouterMiddleware {
    typealias Context = PeerContext
    let hosts: HostList
    let endpoints: [Endpoint]
    let web: WebSide?
    let metrics: RequestMetrics
    let logger: Logger

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            guard hosts.contains(request.head.authority ?? "") else {
                metrics.refused(421)
                throw APIError(
                    421, "wrong-host", "this daemon is not called so; api.hosts names the hosts that it answers for")
            }
            try refuseCrossSite(request)
            response = try await next(request, context)
        } catch let error as APIError {
            response = refusal(error, request)
        } catch let error as HTTPError where error.status == .notFound {
            let (error, allowed) = missing(request)
            response = refusal(error, request)
            metrics.refused(error.status)
            if !allowed.isEmpty { response.headers[.allow] = allowed.joined(separator: ", ") }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            logger.error("a request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            response = refusal(APIError(500, "error", "it failed, and the log says why"), request)
        }
        // Nobody else's page may read it, and no browser guesses what it is.
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.cacheControl] = response.headers[.cacheControl] ?? "no-store"
        // The head of an answer tells of a body that does not follow.
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// Refuses what a page of another site has a browser send: browsers say so themselves (Fetch Metadata, RFC 6454).
    private func refuseCrossSite(_ request: Request) throws {
        if Self.isSafe(request.method) { return }
        let site = request.headers[HTTPField.Name("Sec-Fetch-Site")!]
        let origin = request.headers[.origin].map { $0.split(separator: "/").last.map(String.init) ?? "" }
        guard site == "cross-site" || origin.map({ !hosts.contains($0) }) ?? false else { return }
        throw APIError(403, "cross-site", "a page of another site may have nothing changed here")
    }

    /// Whether nothing is changed by it (RFC 9110, 9.2.1).
    static func isSafe(_ method: HTTPRequest.Method) -> Bool { [.get, .head, .options].contains(method) }

    /// Whether a browser says that a page of this very host sends it: by Fetch Metadata, or, as over HTTP to an address that is not its
    /// own machine's, by the origin alone.
    static func isOwn(_ request: Request) -> Bool {
        if let site = request.headers[HTTPField.Name("Sec-Fetch-Site")!] {
            return site == "same-origin" || site == "none"
        }
        let origin = request.headers[.origin]?.split(separator: "/").last.map(String.init)
        return origin != nil && origin == request.head.authority
    }

    /// Tells a person by a page, and a program by a problem.
    private func refusal(_ error: APIError, _ request: Request) -> Response {
        guard let web, request.headers[.accept]?.contains("text/html") ?? false,
            !request.uri.path.hasPrefix("/api/")
        else { return Self.response(error, request) }
        // What was to be done is not done by going there.
        let answer = web.refusal(
            error, Self.isSafe(request.method) ? request.uri.string : "/", Self.headers(of: request))
        var response = Response(status: .init(code: answer.status), headers: [.contentType: answer.type])
        Self.add(answer.headers, to: &response)
        if case .whole(let bytes) = answer.body { response.body = .init(byteBuffer: ByteBuffer(bytes: bytes)) }
        return response
    }

    /// By their names in lower case; `host` is what the daemon was called by.
    static func headers(of request: Request) -> [String: String] {
        var headers = Dictionary(request.headers.map { ($0.name.canonicalName, $0.value) }) { $0 + ", " + $1 }
        headers["host"] = request.head.authority
        // HTTP/2 may bring each cookie in a field of its own (RFC 9113, 8.2.3).
        headers["cookie"] = request.headers[HTTPField.Name("Cookie")!]
        return headers
    }

    static func add(_ headers: [(name: String, value: String)], to response: inout Response) {
        for (name, value) in headers {
            guard let name = HTTPField.Name(name) else { continue }
            // Each cookie is a field of its own (RFC 6265, 3).
            if name == .setCookie {
                response.headers.append(HTTPField(name: name, value: value))
            } else {
                response.headers[name] = value
            }
        }
    }

    /// Whether there is such a path at all.
    private func missing(_ request: Request) -> (error: APIError, allowed: [String]) {
        let parts = request.uri.path.split(separator: "/")
        let methods = endpoints.filter { endpoint in
            let pattern = endpoint.path.split(separator: "/")
            return pattern.count == parts.count
                && zip(pattern, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }.map(\.method.rawValue)
        if methods.isEmpty { return (APIError.unknown("there is nothing at \(request.uri.path)"), []) }
        let words = "expected \(methods.joined(separator: " or ")), found \(request.method.rawValue)"
        return (APIError(405, "method", words), methods)
    }

    private static func response(_ error: APIError, _ request: Request) -> Response {
        let isProblem = request.uri.path.hasPrefix("/api/v1")
        var response = Response(
            status: .init(code: error.status),
            headers: [.contentType: isProblem ? "application/problem+json" : "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: error.json)))
        if error.status == 401 { response.headers[.wwwAuthenticate] = "Bearer" }
        if let seconds = error.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
        return response
    }
}
