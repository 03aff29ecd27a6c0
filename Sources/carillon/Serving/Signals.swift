import Foundation
import ServiceLifecycle
import UnixSignals

/// The first SIGTERM or SIGINT asks for a graceful stop; a second one ends the process at once, and nothing is lost.
enum Signals {
    static func watch(_ group: ServiceGroup) async {
        var asked = false
        for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            if asked { _exit(1) }
            asked = true
            await group.triggerGracefulShutdown()
        }
    }
}
