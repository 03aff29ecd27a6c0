import AsyncHTTPClient
import BusIntegration
import CarillonConfiguration
import CarillonCore
import CarillonEngine
import CarillonTestSupport
import ControlAPI
import ExecIntegration
import Foundation
import Logging
import MemoryStore
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import SimpleSchedulerAPI
import Synchronization
import Timetable

/// What a request was answered with.
struct Reply {
    var status: Int
    var body: Data
    var headers: HTTPHeaders

    func header(_ name: String) -> String? { headers.first(name: name) }

    var text: String { String(decoding: body, as: UTF8.self) }

    /// Its body, if that is an object.
    var object: [String: Any] { (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:] }
    var list: [[String: Any]] { (try? JSONSerialization.jsonObject(with: body)) as? [[String: Any]] ?? [] }
}

/// The API of an engine in this process, over HTTP.
struct Rig: Sendable {
    let store = MemoryStore()
    let clock = ManualClock(now: Samples.noon)
    let desk: OrderService<ManualClock>
    let endpoints: [Endpoint]
    private let group: ServiceGroup
    private let serving: Task<Void, any Error>
    let port: Int

    /// Makes one that knows tokens of the store, and of a provider if there is one.
    init(
        hosts: [String] = [], takesPrograms: Bool = false, rate: Double? = nil,
        _ provider: ((ManualClock) -> OpenIDProvider<ManualClock>)? = nil
    ) async throws {
        var settings = EngineSettings()
        let log = EventLog(life: 0xa1)
        settings.changed = { log.note($0) }
        let engine = try await EngineService(
            store: store, dispatchers: [], feeds: [], clock: clock, zones: ZoneDatabase(), instance: .sample("a"),
            bootID: "b", settings: settings, logger: .silent)
        let desk = OrderService(engine, version: "1")
        self.desk = desk
        let handle: @Sendable (Order, Caller) async -> CarillonEngine.Reply = { await desk.handle($0, from: $1) }
        let targets: [any TargetKeys.Type] = [ExecKeys.self, BusKeys.self]
        let format = JobFormat(
            read: {
                try JobReader(targets: targets, zones: ZoneDatabase()).read($0, source: "body", place: "body").get()
            },
            write: { try JobWriter(targets: targets).table($0) },
            readSchedule: { try JobReader(targets: targets, zones: ZoneDatabase()).readSchedule($0).get() },
            zones: ZoneDatabase(), isProgram: { $0.target.kind.rawValue == "exec" },
            takesPrograms: takesPrograms)
        endpoints = APIDescription.adding(
            to: Endpoint.ofDaemon(handle) + CarillonAPI(format, handle).endpoints
                + LiveAPI(log, clock, handle).endpoints
                + SimpleSchedulerAPI(store, clock, handle).endpoints)
        let gate = Gate(AccessTokens(in: store), local: nil, provider?(clock), rate: rate, clock)
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let server = APIServer(
            ListenAddress(host: "127.0.0.1", port: 0), hosts: HostList(hosts), endpoints, gate, clock, .silent
        ) { found.yield($0) }
        let group = ServiceGroup(configuration: .init(services: [engine, server], logger: .silent))
        self.group = group
        serving = Task { try await group.run() }
        var first = ports.makeAsyncIterator()
        port = await first.next() ?? 0
    }

    func stop() async throws {
        serving.cancel()
        do { try await serving.value } catch is CancellationError {}
    }

    /// Makes a token and answers its secret.
    func token(_ scopes: Set<Scope>, until end: Timestamp? = nil, name: String = UUID().uuidString) async throws
        -> String
    {
        let secret = TokenSecret.draw()
        let token = AccessToken(
            name: name, digest: TokenSecret.digest(of: secret), scopes: Set(scopes.map(\.rawValue)),
            createdAt: clock.now,
            expiresAt: end)
        _ = await desk.handle(.addToken(token))
        // Those that were read before count for a moment.
        clock.advance(by: 2_000_000)
        return secret
    }

    /// Asks for what has no end.
    func stream(
        _ path: String, _ token: String, _ headers: [String: String] = [:]
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        return try await HTTPClient.shared.execute(request, timeout: .seconds(30))
    }

    func ask(
        _ method: String, _ path: String, token: String? = nil, body: String? = nil, bytes: [UInt8]? = nil,
        headers: [String: String] = [:]
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = HTTPMethod(rawValue: method)
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let bytes = bytes ?? body.map({ Array($0.utf8) }) { request.body = .bytes(ByteBuffer(bytes: bytes)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        // Such a one has no end.
        let isLive = response.headers.first(name: "Content-Type") == "text/event-stream"
        let bytes = isLive ? ByteBuffer() : try await response.body.collect(upTo: 64 << 20)
        return Reply(
            status: Int(response.status.code), body: Data(bytes.readableBytesView), headers: response.headers)
    }
}
