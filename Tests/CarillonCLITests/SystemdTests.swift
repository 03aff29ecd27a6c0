import CarillonCLI
import CarillonTestSupport
import Foundation
import ServiceLifecycle
import Synchronization
import Testing

/// What systemd hears: sd_notify(3).
@Suite(.timeLimit(.minutes(5))) struct SystemdTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A socket as systemd has it.
    private func listen() throws -> (path: String, descriptor: Int32) {
        let path = folder.path + "/notify"
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        let bound = SocketClient(path: path).withAddress { bind(descriptor, $0, $1) }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        try #require(descriptor >= 0 && bound == 0)
        return (path, descriptor)
    }

    /// The next message, on a thread that may wait for it.
    private func next(_ descriptor: Int32) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var bytes = [UInt8](repeating: 0, count: 100)
                let count = recv(descriptor, &bytes, bytes.count, 0)
                continuation.resume(returning: String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self))
            }
        }
    }

    @Test func readyThenAliveThenStopping() async throws {
        let (path, descriptor) = try listen()
        defer { close(descriptor) }
        let environment = ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"]
        let systemd = try #require(Systemd(environment: environment) { "well\nindeed" })
        let running = Task { try await systemd.run() }
        #expect(await next(descriptor) == "READY=1")
        // One assignment a line (sd_notify(3)), so a state is one line.
        let alive = "WATCHDOG=1\nSTATUS=well\\nindeed"
        #expect(await next(descriptor) == alive)
        running.cancel()
        var last = await next(descriptor)
        if last == alive { last = await next(descriptor) }
        #expect(last == "STOPPING=1")
    }

    /// A daemon that does not answer is not said to be alive, so that systemd restarts it.
    @Test func anEngineThatDoesNotAnswerIsNotAlive() async throws {
        let (path, descriptor) = try listen()
        defer { close(descriptor) }
        let asked = Mutex(0)
        let environment = ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"]
        let systemd = try #require(
            Systemd(environment: environment) {
                asked.withLock { $0 += 1 }
                return nil
            })
        let running = Task { try await systemd.run() }
        #expect(await next(descriptor) == "READY=1")
        try await eventually("it was asked twice") { asked.withLock { $0 > 1 } }
        running.cancel()
        #expect(await next(descriptor) == "STOPPING=1")
    }

    @Test func withoutASocketThereIsNobodyToTell() {
        #expect(Systemd(environment: [:]) { "" } == nil)
        #expect(Systemd(environment: ["NOTIFY_SOCKET": ""]) { "" } == nil)
    }
}
