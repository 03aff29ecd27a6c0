import CarillonCore
import Logging
import Timetable

/// The trail of orders.
extension OrderService {
    /// What stands before and after an order, in words.
    func facts(of order: Order) async -> String? {
        switch order {
        case .pause(_, _, []), .resume([]): return await engine.pause.map { "paused: \($0.reason)" } ?? "not paused"
        case .pause(_, _, let tags), .resume(let tags):
            let paused = await engine.pausedTags
            return tags.map { tag in "\(tag) \(paused[tag].map { "paused: \($0.reason)" } ?? "not paused")" }
                .joined(separator: ", ")
        case .put(let job, _, _): return await definition(job.name)
        case .delete(let name): return await definition(name)
        case .enable(let name, _), .resolve(let name):
            guard let stored = try? await engine.store.job(named: name) else { return nil }
            return stored.job.standing?.off?.words ?? (stored.job.enabled ? "enabled" : "disabled")
        case .cancel(let text): return try? await queries.run(text).state.rawValue
        default: return nil
        }
    }

    /// Names what an order is about: a run by its whole id, however few digits were given.
    func subject(of order: Order) async -> String? {
        switch order {
        case .retry(let text), .cancel(let text): (try? await queries.run(text))?.id.description ?? text
        default: order.trace.subject
        }
    }

    private static func words(_ runs: [RunView]) -> String {
        guard let first = runs.first, let last = runs.last else { return "no run" }
        if runs.count == 1 { return "run \(first.id)" }
        return "\(runs.count) runs, \(first.id) of \(first.scheduledAt) to \(last.id) of \(last.scheduledAt)"
    }

    private func definition(_ name: String) async -> String? {
        guard let stored = try? await engine.store.job(named: name) else { return nil }
        return daemon.describe(stored.job)
    }

    /// Notes what became of an order, in the store and in the log. An order that was carried out stays so, whatever fails here.
    func note(_ order: Order, _ subject: String?, _ caller: Caller, _ before: String?, _ reply: Reply) async {
        let action = order.trace.action
        var entry = AuditEntry(
            at: engine.clock.now, user: caller.user, channel: caller.channel, from: caller.from, action: action,
            subject: subject,
            before: before)
        switch reply {
        case .failed(_, let message): entry.error = message
        case .started(let run, _): entry.after = "run \(run.id)"
        case .operations(let views): entry.after = views.first.map { "operation \($0.id)" }
        case .backfilled(let runs, _): entry.after = Self.words(runs)
        case .done(let sentence): entry.after = await facts(of: order) ?? sentence
        default: break
        }
        var metadata: Logger.Metadata = ["action": "\(action)", "channel": "\(caller.channel)"]
        if let subject { metadata[order.concernsJob ? "job" : "subject"] = "\(subject)" }
        if let from = caller.from { metadata["from"] = "\(from)" }
        if let user = caller.user { metadata["user"] = "\(user)" }
        if case .pause(let reason, _, _) = order { metadata["reason"] = "\(reason)" }
        if let error = entry.error { metadata["error"] = "\(error)" }
        engine.logger.notice("an order was \(entry.error == nil ? "carried out" : "refused")", metadata: metadata)
        await AuditTrail(store: engine.store, keep: daemon.auditKeep, logger: engine.logger).note(entry)
    }
}
