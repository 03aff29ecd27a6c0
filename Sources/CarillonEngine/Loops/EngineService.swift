public import CarillonCore
public import Logging
public import ServiceLifecycle
public import Timetable

/// The engine's loops under one roof: tick, outboxes, observe, save, custody, and a reconcile for every feed.
public struct EngineService<Clock: EngineClock>: Service {
    public let engine: Engine<Clock>
    public let reconciler: Reconciler<Clock>
    let feeds: [any JobFeed]
    let logger: Logger

    /// Joins the store's instances, reads the ledger and adopts what earlier processes left running.
    public init(
        store: any JobStore, dispatchers: [any Dispatcher], feeds: [any JobFeed], clock: Clock, zones: ZoneDatabase,
        instance: InstanceFacts, bootID: String, settings: EngineSettings = EngineSettings(),
        logger: Logger
    ) async throws {
        engine = try await Engine.start(
            store: store, dispatchers: dispatchers, clock: clock, zones: zones,
            feeds: feeds.filter { !$0.isOfMachine }.map(\.name), instance: instance, bootID: bootID, settings: settings,
            logger: logger)
        reconciler = Reconciler(engine: engine, feeds: feeds)
        self.feeds = feeds
        self.logger = logger
    }

    /// Runs until a graceful shutdown, ends what runs within the grace, and leaves the ledger in order.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (lane, outbox) in engine.outboxes.enumerated() {
                group.addTask { await engine.deliver(outbox, of: lane) }
                group.addTask { await engine.observe(outbox.lane.dispatcher) }
                group.addTask { await outbox.lane.dispatcher.run() }
            }
            group.addTask { await engine.saveLoop() }
            group.addTask { await engine.haltLoop() }
            group.addTask { await engine.readAheadLoop() }
            group.addTask { try await engine.beatLoop() }
            if engine.settings.shares {
                group.addTask { try await engine.lookLoop() }
                group.addTask { await engine.giveLoop() }
                group.addTask { await engine.expectLoop() }
            }
            group.addTask { try await engine.custodyLoop() }
            group.addTask { await engine.pruneLoop() }
            group.addTask { await engine.inspect() }
            if let tags = engine.settings.watchedTags {
                group.addTask { await engine.measureLoop { await reconciler.feedViews } }
                group.addTask { await engine.countLoop() }
                group.addTask { await engine.surveyLoop(watching: tags) }
            }
            for feed in feeds { group.addTask { await reconciler.follow(feed) } }
            group.addTask { await reconciler.hear() }
            group.addTask { await OperationRunner(engine, reconciler).run() }
            group.addTask { await engine.tickLoop() }
            group.addTask {
                // Returns on the signal; throws when a loop failed and the group is cancelled.
                try await gracefulShutdown()
                await engine.drain()
                throw CancellationError()
            }
            do {
                // A loop may end by itself, such as a feed that tells of no changes; the others go on.
                for try await _ in group {}
            } catch is CancellationError {
                group.cancelAll()
            }
        }
        await engine.finish()
    }
}
