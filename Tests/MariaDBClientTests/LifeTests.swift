#if MariaDB
    import BlockingConnection
    import CarillonTestSupport
    import Dispatch
    import Foundation
    import Glibc
    import MariaDBClient
    import Testing

    // One server at a time: each start costs half a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct LifeTests {
        @Test func callsAfterCloseFailAtOnce() async throws {
            let rig = try await Rig()
            let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
            let gate = DispatchSemaphore(value: 0)
            async let running = rig.client.read { snapshot in
                beginning.finish()
                gate.wait()
                return try snapshot.first("SELECT 7") { try $0.integer(0) }
            }
            for await _ in begun {}
            async let waiting = failure { try await rig.client.one("SELECT 1") }
            async let closed: Void = rig.client.close()
            let late = try await failure {
                // One of the first may come before the close, and is dropped by it.
                while true { _ = try await rig.client.execute("DO 1") }
            }
            #expect(late.kind == .closed && !late.isUnavailable && "\(late)".hasSuffix("the client is closed"))
            #expect(try await waiting.kind == .closed)
            gate.signal()
            #expect(try await running == 7)
            await closed
            let after = try await failure { try await rig.client.read { _ in } }
            #expect(after.kind == .closed)
            await rig.client.close()
        }

        @Test func nothingIsLeftOfFiftyClients() async throws {
            let rig = try await Rig()
            #expect(try await rig.client.one("SELECT 1") == "1")
            #expect(Self.threads(rig) == 1 && Self.sockets(rig) == [true])
            for close in [true, false] {
                var clients = try (0..<50).map { _ in try rig.another() }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in clients { group.addTask { _ = try await client.one("SELECT 1") } }
                    try await group.waitForAll()
                }
                #expect(Self.threads(rig) == 51)
                // None goes to a program that is started meanwhile.
                #expect(Self.sockets(rig) == Array(repeating: true, count: 51))
                if close { for client in clients { await client.close() } }
                #expect(!close || Self.sockets(rig).count == 1)
                clients = []
                try await eventually("the threads end") { Self.threads(rig) == 1 && Self.sockets(rig).count == 1 }
            }
            try await eventually("the server sees it") {
                try await rig.client.one("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'carillon'")
                    == "1"
            }
        }

        /// The clients' threads of one server, by their name.
        private static func threads(_ rig: Rig) -> Int {
            let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
            return tasks.count {
                (try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8))
                    == "mariadb:\(rig.server.port)\n"
            }
        }

        /// For each of this process's connections to the server, whether it closes when a program is started.
        private static func sockets(_ rig: Rig) -> [Bool] {
            (0..<4096 as Range<Int32>).compactMap { number in
                var address = sockaddr_in()
                var size = socklen_t(MemoryLayout<sockaddr_in>.size)
                let found = withUnsafeMutablePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(number, $0, &size) }
                }
                guard found == 0, address.sin_family == sa_family_t(AF_INET),
                    in_port_t(bigEndian: address.sin_port) == rig.server.port
                else { return nil }
                return fcntl(number, F_GETFD) & FD_CLOEXEC != 0
            }
        }
    }
#endif
