import CarillonTestSupport
import Logging
import RedisClient
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5)))
struct AccessTests {
    @Test func passwordAndDatabase() async throws {
        let server = try RedisFixture(password: "p@ss/wörd")
        try await server.start()
        let url = "redis://:p%40ss%2Fw%C3%B6rd@127.0.0.1:\(server.port)"
        let third = try Rig.client(url + "/3")
        try await third.send(RedisCommand("SET", "where", "third"))
        let info = try await third.send(RedisCommand("CLIENT", "INFO")).text ?? ""
        #expect(info.contains(" db=3 ") && info.contains(" name=carillon "))
        #expect(try await Rig.client(url).send(RedisCommand("GET", "where")).isNull)
        #expect(try await Rig.client(url + "/3").send(RedisCommand("GET", "where")).text == "third")
        let error = try await failure {
            try await Rig.client(url + "/99").send(RedisCommand("PING"))
        }
        #expect(error.code == .refused && error.message.contains("DB index is out of range"))
    }

    @Test func aUserWithoutRightToAsk() async throws {
        let rig = try await Rig(["--user", "worker", "on", ">secret", "~*", "+@all", "-info", "-client"])
        let seen = Mutex<[String: String]?>(nil)
        let worker = try Rig.client(
            "redis://worker:secret@127.0.0.1:\(rig.server.port)", greet: { info in seen.withLock { $0 = info } })
        #expect(try await worker.send(RedisCommand("ACL", "WHOAMI")).text == "worker")
        #expect(seen.withLock { $0 } == [:])
    }

    @Test func aWrongPasswordMakesNoStorm() async throws {
        let server = try RedisFixture(password: "right")
        try await server.start()
        let admin = try Rig.client(server.url)
        let before = try await Rig.connections(admin)
        let log = Mutex<[String]>([])
        let wrong = RedisClient(
            try RedisConfiguration(url: "redis://:hush-hush@127.0.0.1:\(server.port)"),
            logger: Logger(label: "test") { _ in Recorder { line in log.withLock { $0.append(line) } } })
        let began = ContinuousClock.now
        let errors = await withTaskGroup(of: RedisError?.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    var last: RedisError?
                    for _ in 0..<20 {
                        do throws(RedisError) {
                            try await wrong.send(RedisCommand("PING"))
                        } catch {
                            last = error
                        }
                    }
                    return last
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(errors).count == 1)
        let error = try #require(errors.first ?? nil)
        #expect(error.code == .refused && error.message.contains("WRONGPASS"))
        // One for each five seconds that the calls took on a busy machine.
        let most = 1 + Int(began.duration(to: .now) / .seconds(4))
        #expect((1...most).contains(try await Rig.connections(admin) - before))
        let lines = log.withLock { $0 }
        #expect(!lines.isEmpty && !(lines + ["\(errors)"]).contains { $0.contains("hush") })
    }

    @Test func aMissingPassword() async throws {
        let server = try RedisFixture(password: "right")
        try await server.start()
        let error = try await failure {
            try await Rig.client("redis://127.0.0.1:\(server.port)").send(RedisCommand("PING"))
        }
        #expect(error.code == .refused && error.message.contains("NOAUTH"))
    }

    @Test func theGreeterDecides() async throws {
        let rig = try await Rig()
        try await rig.send(RedisCommand("SET", "n", "0"))
        let picky = try Rig.client(
            rig.server.url,
            greet: { info throws(RedisError) in
                throw RedisError(.refused, "not version \(info["redis_version"] ?? "?")")
            })
        let error = try await failure { try await picky.send(RedisCommand("INCR", "n")) }
        #expect(error.code == .refused)
        #expect(error.message.hasPrefix("not version ") && !error.message.hasSuffix("?"))
        #expect(try await rig.send(RedisCommand("GET", "n")).text == "0")
    }

    @Test func aServerWithoutRoomSaysSo() async throws {
        let rig = try await Rig(["--maxclients", "1"])
        try await rig.send(RedisCommand("PING"))
        let error = try await failure {
            try await Rig.client(rig.server.url).send(RedisCommand("PING"))
        }
        #expect(error.code == .unreachable)
    }

    @Test func aUnixSocket() async throws {
        let rig = try await Rig()
        let client = try Rig.client("unix://\(rig.server.socketPath)?db=2")
        try await client.send(RedisCommand("SET", "a", "b"))
        #expect(try await client.send(RedisCommand("CLIENT", "INFO")).text?.contains(" db=2 ") == true)
        let error = try await failure {
            try await Rig.client("unix:///nowhere/redis.sock").send(RedisCommand("PING"))
        }
        #expect(error.code == .unreachable && error.message.contains("No such file"))
    }

    @Test func tlsTrustsItsOwnAuthorityOnly() async throws {
        let server = try RedisFixture(password: "secret", tls: true)
        try await server.start()
        let trusted = RedisConfiguration.TLS(caFile: server.caFile)
        #expect(try await Rig.client(server.url) { $0.tls = trusted }.send(RedisCommand("PING")).text == "PONG")
        let byName = try Rig.client("rediss://:secret@localhost:\(server.tlsPort)") { $0.tls = trusted }
        #expect(try await byName.send(RedisCommand("PING")).text == "PONG")
        let careless = try Rig.client(server.url) { $0.tls = .init(verify: false) }
        #expect(try await careless.send(RedisCommand("PING")).text == "PONG")

        let stranger = try TestCertificates(in: TemporaryFolder())
        let refused: [(String, RedisConfiguration.TLS)] = [
            ("the system's authorities", .init()),
            ("another authority of the same name", .init(caFile: stranger.caFile)),
            ("another name", .init(caFile: server.caFile, serverName: "redis.example")),
            ("no such file", .init(caFile: "/nowhere/ca.crt")),
        ]
        for (what, tls) in refused {
            let client = try Rig.client(server.url) { $0.tls = tls }
            let error = try await failure(what) { try await client.send(RedisCommand("PING")) }
            #expect(error.code == .unreachable && error.message.contains("TLS"), "\(what): \(error)")
        }
    }
}

/// Hands each line, its metadata included, to a closure.
private struct Recorder: LogHandler {
    let record: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(_ record: @escaping @Sendable (String) -> Void) { self.record = record }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { record("\(event.message) \(event.metadata ?? [:])") }
}
