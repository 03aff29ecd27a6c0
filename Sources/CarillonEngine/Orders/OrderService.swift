public import CarillonCore
import Foundation
import Timetable

/// Carries out every order in a running daemon; the channels only bring and answer them.
public struct OrderService<Clock: EngineClock>: Sendable {
    let engine: Engine<Clock>
    let reconciler: Reconciler<Clock>
    let queries: QueryService
    let daemon: DaemonFacts
    private let tally = StoreTally()

    public init(_ service: EngineService<Clock>, version: String) {
        self.init(service, DaemonFacts(version: version))
    }

    public init(_ service: EngineService<Clock>, _ daemon: DaemonFacts) {
        engine = service.engine
        reconciler = service.reconciler
        let engine = service.engine
        // Where others drive runs, too, the ledger says.
        var activity: (@Sendable ([JobID]) async -> [JobID: JobActivity])?
        if !engine.settings.shares { activity = { await engine.activity(of: $0) } }
        queries = QueryService(
            store: engine.store, zones: engine.zones, isDaemon: true, retention: { await engine.retention },
            checked: engine.lanes.checked,
            doubts: { await engine.doubts(of: $0) }, activity: activity, first: { await engine.first($0) })
        self.daemon = daemon
    }

    /// Carries an order out, and notes in the trail who gave it and what came of it.
    public func handle(_ order: Order, from caller: Caller = Caller(channel: "this process")) async -> Reply {
        let checked: Order
        do {
            checked = try order.checked()
        } catch {
            return .failed(code: error.code.name, message: error.message)
        }
        if checked.isQuestion { return await answered(checked, caller) }
        let before = await facts(of: checked)
        let subject = await subject(of: checked)
        let reply = await answered(checked, caller)
        await note(checked, subject, caller, before, reply)
        return reply
    }

    private func answered(_ order: Order, _ caller: Caller) async -> Reply {
        do {
            if let answer = try await queries.answer(order, now: engine.clock.now) { return answer }
            return try await carryOut(order, caller)
        } catch let error as OrderError {
            return .failed(code: error.code.name, message: error.message)
        } catch let error as StoreError {
            return .failed(code: error.code.name, message: error.message)
        } catch {
            return .failed(code: "refused", message: "\(error)")
        }
    }

    private func carryOut(_ order: Order, _ caller: Caller) async throws -> Reply {
        switch order {
        case .put(let job, let replacing, let revision):
            return .done(try await put(job, replacing: replacing, over: revision))
        case .delete(let name): return .done(try await delete(name))
        case .enable(let name, true): return .done(try await enable(name))
        case .enable(let name, false): return .done(try await disable(name))
        case .resolve(let name): return .done(try await resolve(name))
        case .skip(let name, let time, true): return .done(try await skip(name, at: time))
        case .skip(let name, let time, false): return .done(try await unskip(name, at: time))
        case .stop(let name): return .done(try await stop(name))
        case .restart(let name): return .started(try await restart(name))
        case .start(let name, let arguments, let key): return try await start(name, arguments, under: key)
        case .retry(let text): return try await retry(text)
        case .backfill(let name, let times, let rate): return try await backfill(name, times, rate: rate)
        case .cancel(let text): return .done(try await cancel(text))
        case .pause(let reason, let length, let tags): return .done(try await pause(reason, length, tags))
        case .resume(let tags): return .done(try await resume(tags))
        case .acceptFeed(let name):
            try await reconciler.accept(name)
            return .done("\(name) is accepted as it is")
        case .drain(let name, let isOn): return .done(try await drain(name, isOn))
        case .forgetInstance(let name): return .done(try await forget(name))
        case .addToken(let token): return .done(try await add(token))
        case .revokeToken(let name): return .done(try await revoke(name))
        case .reload: return .done(await daemon.reload())
        case .operate(let request): return .operations([try await operate(request, caller)])
        case .cancelOperation(let id): return .done(try await cancelOperation(id, caller))
        case .undo(let id): return .operations([try await undo(id, caller)])
        case .ping:
            await engine.ping()
            return .done("here")
        case .status: return .status(await status())
        case .queues: return .queues(await engine.queues())
        case .output(let text, let offset): return try await output(text, offset)
        case .jobs, .job, .definition, .runs, .run, .why, .feeds, .instances, .audits, .agenda, .forecast, .recent,
            .hours, .missed,
            .tokens, .operations:
            throw OrderError(.bad, "a question was taken for an order")
        }
    }

    /// Finds a job whose definition an order may change: one that no feed owns.
    func owned(_ name: String) async throws -> StoredJob {
        let stored = try await queries.job(named: name)
        guard stored.job.origin.feed == Origin.orders.feed else {
            throw OrderError(
                .refused,
                "\(name) belongs to \(stored.job.origin); it is changed there, and the change is taken up at once")
        }
        return stored
    }

    private func put(_ job: Job, replacing: Bool, over revision: Int64?) async throws -> String {
        var job = job
        job.origin = .orders
        do {
            _ = try job.schedule.compile(job: job.name, zones: engine.zones)
        } catch {
            throw OrderError(.bad, error.message)
        }
        let known = try await engine.store.job(named: job.name)
        if known != nil, !replacing {
            throw OrderError(.refused, "there is a job '\(job.name)' already; `jobs update` changes it")
        }
        if known != nil { _ = try await owned(job.name) }
        if let revision, known?.revision != revision {
            throw OrderError(.refused, "\(job.name) was changed meanwhile; look at it again")
        }
        if known == nil, replacing { throw OrderError(.unknown, "there is no job '\(job.name)'") }
        if let problem = try await engine.put([(job, known?.id)], replacing: known != nil, at: revision).first {
            throw OrderError(.refused, problem.message)
        }
        await engine.expect([job])
        return "\(job.name) is \(known == nil ? "added" : "changed")"
    }

    /// Finds a job that this build can read: what it cannot, it can neither run nor write back.
    func readable(_ name: String) async throws -> StoredJob {
        let stored = try await queries.job(named: name)
        if let fault = stored.fault {
            throw OrderError(
                .refused, "\(name) waits for a new definition: \(fault)")
        }
        return stored
    }

    private func start(_ name: String, _ arguments: [String: String], under key: String?) async throws -> Reply {
        let stored = try await readable(name)
        let cause = key.map { Cause.asked(under: $0) }
        if let cause, let known = try await engine.store.run(of: stored.id, cause: cause) {
            return try repeated(known, arguments, of: stored)
        }
        let takesArguments = await engine.takesArguments(stored)
        guard arguments.isEmpty || takesArguments else {
            throw OrderError(.bad, "\(name) takes no arguments: only workers on a bus are sent any")
        }
        let note = await engine.obstacle(stored)
        guard let cause else { return .started(try await start(stored, arguments), note: note) }
        let given = arguments.isEmpty ? nil : arguments
        let run = try await engine.openManual(stored, cause: cause, arguments: given)
        // Another one who asked for the same was faster.
        if let known = try await engine.store.run(of: stored.id, cause: cause), known.id != run.id {
            return try repeated(known, arguments, of: stored)
        }
        return .started(RunView(run, zone: stored.job.schedule.zone), note: note)
    }

    private func repeated(_ run: Run, _ arguments: [String: String], of stored: StoredJob) throws -> Reply {
        guard run.arguments ?? [:] == arguments else {
            throw OrderError(.refused, "run \(run.id) was asked for under this key, with other arguments")
        }
        return .repeated(RunView(run, zone: stored.job.schedule.zone))
    }

    func start(_ stored: StoredJob, _ arguments: [String: String] = [:]) async throws -> RunView {
        RunView(
            try await engine.openManual(stored, arguments: arguments.isEmpty ? nil : arguments),
            zone: stored.job.schedule.zone)
    }

    private func retry(_ text: String) async throws -> Reply {
        let old = try await queries.run(text)
        guard old.state.isFinal else {
            throw OrderError(.refused, "run \(old.id) has not ended: it is \(old.state.rawValue)")
        }
        let stored = try await readable(old.job)
        let note = await engine.obstacle(stored)
        let run = try await engine.openManual(stored, repeating: old)
        return .started(RunView(run, zone: stored.job.schedule.zone), note: note)
    }

    /// Bytes of a run's output in one answer.
    private static var mostOutput: Int { 1 << 18 }

    private func output(_ text: String, _ offset: Int64) async throws -> Reply {
        let run = try await queries.run(text)
        let bytes = try await engine.output(of: run, from: offset, limit: Self.mostOutput)
        return .output(Data(bytes).base64EncodedString(), next: offset + Int64(bytes.count))
    }

    private func cancel(_ text: String) async throws -> String {
        let run = try await queries.run(text)
        guard !run.state.isFinal else {
            throw OrderError(.refused, "run \(run.id) has ended already: \(run.state.rawValue)")
        }
        try await engine.cancel(run.id, of: run.jobID, reason: "cancelled by an order")
        return "run \(run.id) of \(run.job) is being cancelled"
    }

    private func status() async -> StatusView {
        let (known, trouble) = await tally.ask(engine.store, engine.clock)
        let feeds = await reconciler.feedViews
        return await engine.status(
            known, store: trouble, feeds: feeds, ready: await reconciler.isReady, daemon: daemon)
    }
}
