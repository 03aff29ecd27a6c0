import CarillonDaemon
import CommandSupport
import Foundation
import ServiceLifecycle
import UnixSignals

/// The first SIGTERM or SIGINT asks for a graceful stop; a second one ends the process at once, and nothing is lost. SIGHUP and
/// SIGUSR1 reopen the log, as those who rotate it ask; SIGUSR2 says nothing.
enum Signals {
    static func watch(_ group: ServiceGroup, reopenLog: @Sendable () -> Void) async {
        var asked = false
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup, .sigusr1, .sigusr2) {
            switch signal {
            case .sighup, .sigusr1: reopenLog()
            case .sigterm, .sigint:
                if asked { _exit(1) }
                asked = true
                await group.triggerGracefulShutdown()
            default: break
            }
        }
    }
}
