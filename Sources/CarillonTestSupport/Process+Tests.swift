public import Foundation
import Glibc

extension Process {
    /// Starts it. A child inherits its thread's signal mask (signal(7)), and a worker thread blocks SIGTERM.
    public func start() throws {
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try run()
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
