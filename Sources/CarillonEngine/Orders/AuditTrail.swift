package import CarillonCore
package import Logging

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
