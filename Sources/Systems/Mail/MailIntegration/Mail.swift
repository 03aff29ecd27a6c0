package import CarillonConfiguration
import CarillonCore
package import CarillonDaemon
import CarillonEngine
import CoreMetrics
import Foundation
import Logging
import MailNotifier
import Timetable

#if Mail
    import MailClient
#endif

/// Tells people by mail what failed and what was missed.
package enum Mail: Integration {
    package static var sections: [any SettingsSection.Type] { [MailSettings.self] }

    package static func parts(_ daemon: DaemonContext) throws -> Parts {
        var parts = Parts()
        guard !daemon.isShadow, let settings = daemon.settings[MailSettings.self] else { return parts }
        let notifier = try settings.notifier(store: daemon.store, zones: daemon.zones, logger: daemon.logger)
        parts.notify = { notifier.notify($0) }
        parts.outlasting = [notifier]
        parts.health = [
            {
                let (trouble, waiting) = await notifier.health()
                let words = waiting == 0 ? [] : ["\(waiting) notice\(waiting == 1 ? "" : "s") to be mailed"]
                return ("mail", DispatcherHealth(trouble: trouble, warnings: trouble == nil ? [] : words))
            }
        ]
        return parts
    }
}

extension MailSettings {
    /// Connects to nobody yet. Throws `Failure` for settings that cannot be, and for a build without mail.
    fileprivate func notifier(store: any JobStore, zones: ZoneDatabase, logger: Logger) throws -> MailNotifier {
        let counters = ["sent", "failed"].map {
            Counter(label: "carillon_notifications_total", dimensions: [("channel", "email"), ("result", $0)])
        }
        let tried: @Sendable (Bool) -> Void = { counters[$0 ? 0 : 1].increment() }
        return MailNotifier(
            sender: try sender(), occasions: Set(on.map(\.occasion)), tellsShortGaps: tellsShortGaps,
            host: ProcessInfo.processInfo.hostName, clock: SystemClock(), shelf: Self.shelf(store), logger: logger,
            tried: tried
        ) { job in
            guard let name = try? await store.job(named: job)?.job.schedule.zone else { return nil }
            return try? zones.zone(name)
        }
    }

    private static func shelf(_ store: any JobStore) -> MailNotifier.Shelf {
        let note = "mail.waiting"
        return MailNotifier.Shelf {
            try await store.note(note)
        } store: { text in
            try await store.setNote(note, text)
        }
    }

    func sender() throws -> any MailSender {
        #if Mail
            var configuration = MailConfiguration(
                host: host, port: Int(port), user: user, password: password, caFile: caFile, verify: verifies)
            configuration.security =
                switch security {
                case .starttls: .startTLS
                case .tls: .tls
                case .opportunistic: .opportunistic
                case .none: .none
                }
            do {
                return try SMTPSender(configuration, from: from, to: to)
            } catch {
                throw Failure.input("e-mail: \(error)")
            }
        #else
            throw Failure.input("this build was made without Mail, which e-mail needs")
        #endif
    }
}

extension MailSettings.Occasion {
    fileprivate var occasion: MailOccasion {
        switch self {
        case .failed: .failed
        case .missed: .missed
        case .queued: .queued
        }
    }
}
