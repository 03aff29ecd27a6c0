import BTUSocket
import CarillonTestSupport
import Foundation
import Glibc
import Logging
import ServiceLifecycle
import Testing

/// The exact protocol of the Frappe app, on a real socket.
@Suite(.timeLimit(.minutes(5))) struct BTUSocketTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/btu.sock" }

    init() throws { folder = try TemporaryFolder() }

    private func serving(_ group: String? = nil, _ body: (SocketClient) async throws -> Void) async throws {
        let socket = BTUSocket(path: path, group: group, mostConnections: 20, logger: .silent) { request in
            switch request {
            case .ping: "pong"
            case .create(let name): "created \(name)"
            case .cancel(let name): "cancelled \(name)"
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await socket.run() }
            let client = SocketClient(path: path)
            try await client.untilServed()
            try await body(client)
            tasks.cancelAll()
        }
    }

    @Test func eachRequestHasItsAnswer() async throws {
        try await serving { client async throws in
            #expect(try await client.ask(#"{"request_type": "ping", "request_content": null}"#) == "pong")
            #expect(
                try await client.ask(#"{"request_type": "create_task_schedule", "request_content": "TS-000012"}"#)
                    == "created TS-000012")
            #expect(
                try await client.ask(#" {"request_content":"it's | \"ü\"}","request_type":"cancel_task_schedule"}"#)
                    == "cancelled it's | \"ü\"}")
        }
    }

    @Test(arguments: [
        (#"{"request_type": "dance"}"#, "ERROR: unknown request_type 'dance'; expected ping,"),
        (#"{"request_content": "x"}"#, "ERROR: the request has no request_type"),
        (#"{"request_type": 7}"#, "ERROR: request_type: expected text"),
        (#"{"request_type": "create_task_schedule"}"#, "ERROR: request_content: expected the name of a task schedule"),
        (#"{"request_type": "create_task_schedule", "request_content": ""}"#, "ERROR: request_content: expected"),
        ("hello", "ERROR: expected one JSON object"),
        ("\u{0}\u{1}\u{ff}", "ERROR: expected one JSON object"), ("[1]", "ERROR: expected one JSON object"),
    ])
    func whatIsNoRequestIsTold(_ text: String, _ answer: String) async throws {
        try await serving { client async throws in
            #expect(try await client.ask(text).hasPrefix(answer))
            #expect(try await client.ping() == "pong")
        }
    }

    @Test func aRequestMayComeInPieces() async throws {
        try await serving { client async throws in
            let request = Array(#"{"request_type": "create_task_schedule", "request_content": "TS \"}ü"}"#.utf8)
            #expect(try await client.ask(request.map { [$0] }) == "created TS \"}ü")
        }
    }

    @Test func anUnfinishedRequestEndsWhenTheClientHasSaidAll() async throws {
        try await serving { client async throws in
            #expect(try await client.ask([Array(#"{"request_type": "pi"#.utf8)], finish: true).contains("not complete"))
        }
    }

    @Test func aRequestOfMegabytesIsRefused() async throws {
        try await serving { client async throws in
            let huge =
                Array(#"{"request_type": "ping", "request_content": ""#.utf8) + [UInt8](repeating: 0x61, count: 4 << 20)
            // The answer, or a connection that ends before all of it was taken.
            let answer = (try? await client.ask([huge])) ?? ""
            #expect(answer.isEmpty || answer.hasPrefix("ERROR: a request has at most"))
            #expect(try await client.ping() == "pong")
        }
    }

    @Test func manySilentConnectionsKeepNobodyAway() async throws {
        try await serving { client async throws in
            var idle: [Int32] = []
            defer { for one in idle { close(one) } }
            // More than it keeps.
            for _ in 0..<50 { idle.append(try client.open()) }
            #expect(try await client.ping() == "pong")
        }
    }

    @Test func randomBytesHarmNobody() async throws {
        try await serving { client async throws in
            var random = SplitMix64.announced()
            for round in 0..<100 {
                let bytes = (0..<Int.random(in: 1...200, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                _ = try? await client.ask([round.isMultiple(of: 2) ? bytes : [UInt8(ascii: "{")] + bytes], finish: true)
            }
            #expect(try await client.ping() == "pong")
        }
    }

    @Test func theFileHasGroupAndMode() async throws {
        let group = try #require(getgrgid(getegid())).pointee
        try await serving(String(cString: group.gr_name)) { _ async throws in
            var info = stat()
            #expect(stat(path, &info) == 0)
            #expect(info.st_mode & 0o777 == 0o775 && info.st_gid == getegid())
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func aStaleSocketIsReplacedAndALiveOneIsNot() async throws {
        // What a crash leaves: a file nobody listens on.
        let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = SocketClient(path: path).withAddress { bind(stale, $0, $1) }
        close(stale)
        #expect(bound == 0 && FileManager.default.fileExists(atPath: path))
        try await serving { client async throws in
            let second = BTUSocket(path: path, group: nil, logger: .silent) { _ in "" }
            let error = await #expect(throws: BTUSocket.Unusable.self) { try await second.run() }
            #expect(error?.description.contains("another daemon listens there") == true)
            #expect(try await client.ping() == "pong")
        }
    }

    @Test func whatIsNoSocketAndAGroupThatIsNotThereAreSaid() async throws {
        try folder.write("btu.sock", "a file of somebody's")
        let blocked = BTUSocket(path: path, group: nil, logger: .silent) { _ in "" }
        var error = await #expect(throws: BTUSocket.Unusable.self) { try await blocked.run() }
        #expect(error?.description.contains("a file that is no socket") == true)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "a file of somebody's")
        let strange = BTUSocket(path: folder.path + "/b.sock", group: "no-such-group", logger: .silent) { _ in "" }
        error = await #expect(throws: BTUSocket.Unusable.self) { try await strange.run() }
        #expect(error?.description.contains("there is no group 'no-such-group'") == true)
    }
}
