public import Foundation

extension Process {
    /// Waits until it has ended; one that takes four minutes is killed, so that no test waits for ever.
    public func awaitEnd() {
        let number = processIdentifier
        let limit = DispatchWorkItem { _ = kill(number, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 240, execute: limit)
        waitUntilExit()
        limit.cancel()
    }
}
