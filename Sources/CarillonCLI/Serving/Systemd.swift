import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import ServiceLifecycle

/// Tells systemd that the daemon is ready, alive and stopping, and how it is: sd_notify(3), sd_watchdog_enabled(3).
package struct Systemd: Service {
    private let address: String
    /// What `systemctl status` shows is at most so old.
    private static let pause: Int64 = 30_000_000
    private let interval: Int64?
    private let state: @Sendable () async -> String?

    /// Nil when the daemon was not started by systemd with a notify socket. `state` says in a line how the daemon is; nil
    /// when it does not answer.
    package init?(environment: [String: String], state: @escaping @Sendable () async -> String?) {
        guard let address = environment["NOTIFY_SOCKET"], !address.isEmpty else { return nil }
        self.address = address
        // Half of what systemd allows, in microseconds.
        interval = environment["WATCHDOG_USEC"].flatMap(Int64.init).map { max($0 / 2, 100_000) }
        self.state = state
    }

    package func run() async throws {
        notify("READY=1")
        let clock = SystemClock()
        try? await cancelWhenGracefulShutdown {
            while true {
                try await clock.sleep(for: min(interval ?? Self.pause, Self.pause))
                // An engine that does not answer is restarted by systemd; its children live on.
                guard let state = await state() else { continue }
                notify((interval == nil ? "" : "WATCHDOG=1\n") + "STATUS=" + state.oneLine)
            }
        }
        notify("STOPPING=1")
    }

    private func notify(_ state: String) {
        let socket = Foundation.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        var path = Array(address.utf8)
        // A leading @ stands for the abstract namespace's NUL.
        if path.first == UInt8(ascii: "@") { path[0] = 0 }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        guard path.count < MemoryLayout.size(ofValue: name.sun_path) else { return }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let bytes = Array(state.utf8)
        withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
