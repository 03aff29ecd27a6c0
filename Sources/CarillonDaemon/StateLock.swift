package import CarillonCore
import CarillonEngine
import Foundation

/// An exclusive flock(2) on a file in the state directory, held for as long as this value lives.
package final class StateLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock; throws `StoreError` of code `busy` when another daemon holds the directory.
    package init(directory: String) throws(StoreError) {
        let path = directory + "/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(.unreachable, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            Foundation.close(descriptor)
            throw StoreError(.busy, "another daemon runs in \(directory); give this one a --state-dir of its own")
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Whether a daemon holds the lock of this directory.
    package static func isHeld(_ directory: String) -> Bool {
        let descriptor = open(directory + "/lock", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { Foundation.close(descriptor) }
        // Shared, and given back at once: a daemon that starts waits longer than that.
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// Takes a lock, trying for two seconds more: a daemon killed in the act of starting a program holds its own a
    /// moment longer, and a restart waits that moment.
    package static func held(_ directory: String) async throws -> StateLock {
        let clock = SystemClock()
        let deadline = clock.uptime + 2_000_000
        while true {
            do {
                return try StateLock(directory: directory)
            } catch {
                if error.code != .busy || clock.uptime >= deadline { throw error }
            }
            try await clock.sleep(for: 50_000)
        }
    }
}
