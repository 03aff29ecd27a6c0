import CarillonCore
import Synchronization

/// Holding the lease. Nothing goes out while it may be somebody else's.
extension Engine {
    /// Renews the lease, again and again; throws once it is lost.
    func renewLoop() async throws {
        while !Task.isCancelled {
            do { try await clock.sleep(for: settings.heartbeat) } catch { return }
            try await renewLease()
        }
    }

    private func renewLease() async throws {
        // Counted from before it is sent, by a clock that runs while the machine sleeps.
        let sent = clock.sinceBoot
        do {
            lease = try await store.renew(lease, length: settings.leaseLength)
            hold(from: sent)
        } catch let error as StoreError where error.code == .leaseLost {
            throw error
        } catch {
            _ = note(error)
        }
    }

    func hold(from sent: Int64) {
        let end = sent + settings.leaseLength - settings.leaseLength / 10
        heldUntil.withLock { $0 = end }
        let resumed = holders.values
        holders = [:]
        for holder in resumed { holder.resume() }
    }

    /// Whether nobody else may start what this engine has opened.
    private nonisolated var isHeld: Bool { clock.sinceBoot <= heldUntil.withLock { $0 } }

    /// Answers true at once while the lease is held for certain, else when it is renewed, and false when the task is cancelled
    /// before: a daemon that lost sight of its store hands nothing over, since another one may have taken it up.
    nonisolated func untilHeld() async -> Bool {
        while !isHeld {
            if Task.isCancelled { return false }
            await wait()
        }
        return true
    }

    private func wait() async {
        if isHeld { return }
        let ticket = tickets
        tickets += 1
        await withTaskCancellationHandler {
            await withCheckedContinuation { holder in
                if Task.isCancelled { holder.resume() } else { holders[ticket] = holder }
            }
        } onCancel: {
            Task { await self.letGo(ticket) }
        }
    }

    private func letGo(_ ticket: Int) { holders.removeValue(forKey: ticket)?.resume() }

    func releaseLease() async {
        do {
            try await store.release(lease)
        } catch {
            _ = note(error)
        }
    }
}
