public import Foundation
import Glibc
import Synchronization

/// Held while a child starts, and while a pipe to one is made. Foundation closes by number what a child is not to have;
/// what another thread opens meanwhile goes into the child and stays open as long as that lives. Then whoever reads the
/// pipe waits for an end of the wrong process, and so does whoever waits for a child: its end is known by a socket.
private let starting = Mutex(())

extension Pipe {
    /// Makes a pipe that goes to no child but the one it is given to.
    public static func unshared() -> Pipe { starting.withLock { _ in Pipe() } }
}

extension Process {
    /// Starts it. A child inherits its thread's signal mask (signal(7)), and a worker thread blocks SIGTERM.
    public func start() throws {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try starting.withLock { _ in try run() }
    }

    /// Waits until it has ended; one that takes longer is killed, which is printed, so that no test waits for ever.
    public func awaitEnd(within seconds: Int = 240) {
        let number = processIdentifier
        let program = executableURL?.lastPathComponent ?? "a process"
        let limit = DispatchWorkItem {
            print("\(program) did not end within \(seconds) s, and was killed")
            kill(number, SIGKILL)
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds), execute: limit)
        waitUntilExit()
        limit.cancel()
    }
}
