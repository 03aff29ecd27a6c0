import CarillonDaemon
import CommandSupport
import Foundation
import ServiceLifecycle
import UnixSignals

/// The first SIGTERM or SIGINT asks for a graceful stop; a second one ends the process at once, and nothing is lost. SIGHUP
/// reads the settings again and reopens the log, SIGUSR1 reopens the log alone, SIGUSR2 says nothing.
enum Signals {
    static func watch(
        _ group: ServiceGroup, reopenLog: @Sendable () -> Void, reload: @escaping @Sendable () async -> Void
    ) async {
        var asked = false
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup, .sigusr1, .sigusr2) {
            switch signal {
            case .sighup:
                reopenLog()
                // Not waited for: whoever asks for the end comes through, also where the file cannot be read for a while.
                Task { await reload() }
            case .sigusr1: reopenLog()
            case .sigterm, .sigint:
                if asked { _exit(1) }
                asked = true
                await group.triggerGracefulShutdown()
            default: break
            }
        }
    }
}
