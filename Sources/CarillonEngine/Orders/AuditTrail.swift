package import CarillonCore
package import Logging
import ServiceLifecycle

/// The trail of orders, for whoever carries one out.
package struct AuditTrail: Sendable {
    private let store: any JobStore
    private let keep: Int64
    private let logger: Logger

    /// `keep` is how long entries stay, in microseconds.
    package init(store: any JobStore, keep: Int64, logger: Logger) {
        self.store = store
        self.keep = keep
        self.logger = logger
    }

    /// Adds an entry. What it tells of stays done, whatever fails here.
    package func note(_ entry: AuditEntry) async {
        do {
            try await store.audit(entry, keep: keep)
        } catch {
            logger.error("the trail of orders was not written", metadata: ["error": "\(error)"])
        }
    }
}

/// Adds to the trail for somebody who must not wait for the store.
package struct AuditQueue: Service {
    private let trail: AuditTrail
    private let entries: AsyncStream<AuditEntry>
    private let next: AsyncStream<AuditEntry>.Continuation
    /// Entries that wait at most; while the store is away the oldest give way.
    private static let most = 1_000

    package init(_ trail: AuditTrail) {
        self.trail = trail
        (entries, next) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.most))
    }

    package func note(_ entry: AuditEntry) { next.yield(entry) }

    /// Writes until everything is written after the call to stop.
    package func run() async {
        await withGracefulShutdownHandler {
            for await entry in entries { await trail.note(entry) }
        } onGracefulShutdown: {
            next.finish()
        }
    }
}
