public import Foundation

extension Process {
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
