import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// One daemon of the world: gone after a crash, but for what the ledger and the executor keep. Machines have wall clocks of
/// their own.
final class SimulatedInstance {
    unowned let world: World
    let number: Int
    let name: String
    /// Its own way to the ledger, as long as its process lives.
    var store: any WorldStore
    #if MongoDB
        var documents: SimulatedDocuments?
    #endif

    var state: EngineState
    var lanes: [Lane] = []
    var outbox: [OutboxItem] = []
    var outboxStart = 0
    var watch: ClockWatch
    /// The term of one that is alone.
    var soleTerm: Term?
    var sharing: Sharing?
    /// Writes on their way; they wait while a give has no answer.
    var writes = 0
    var isGateClosed = false
    /// Shards are about to go.
    var isGiving = false
    var beats: Int64 = 0
    /// Shards as its process has read them last.
    var holdings = Holdings()
    var mustRewind = false
    /// Counts its lives; what one asked for is not answered to the next.
    var life = 0
    /// Counts its processes.
    var process = 0
    var isUp = false
    /// The runs of earlier lives have been taken up, or whoever shares has joined.
    var isReady = false

    /// Attempts that are on their way to the executor of its machine.
    var handing: Set<AttemptID> = []
    /// Word to others that is not in the store yet, and what is told and still to be asked about.
    var letters: [Mail] = []
    var isPosting = false
    var unasked: [DispatchEvent] = []
    /// Ends that others were told and that the ledger does not have yet.
    var owed: Set<AttemptID> = []

    // What goes wrong with it.
    /// How far its wall clock is from the truth.
    var clockError: Int64 = 0
    var crashSoon = false
    var ambush: (() -> Void)?
    /// Nothing of it goes on before this, in elapsed time; the rest of the world does.
    var frozenUntil: Int64 = 0
    var isFrozen: Bool { uptime < frozenUntil }
    /// What came to it while it was frozen, in that order.
    var thawing: [() -> Void] = []
    /// What it asks of the store is held up on its way until then, and comes all the same.
    var cutUntil: Int64 = 0
    /// It hears what happened before it looks what is due.
    var listensUntil: Int64 = 0

    init(_ world: World, number: Int) {
        let name = "daemon \(number + 1)"
        self.world = world
        self.number = number
        self.name = name
        store = world.store
        state = EngineState(storeID: world.seed, instance: name, cursors: [], now: World.start)
        watch = ClockWatch(now: World.start, uptime: 0)
    }

    /// The term that it writes under.
    var term: Term? { sharing?.term ?? soleTerm }

    var wall: Timestamp { world.clock.wall.adding(microseconds: clockError) }
    var uptime: Int64 { world.clock.uptime }

    /// When the next tick is worth its while, in elapsed time, and whose hand is free for it; nil while there is none.
    var wake: (at: Int64, hand: Int)? {
        guard isUp, !isFrozen,
            let hand = [Lane.tick, Lane.other].first(where: { lanes[$0].isIdle && (isReady || $0 == Lane.tick) }),
            let wake = state.nextWake
        else { return nil }
        return (max(world.clock.uptime(at: wake.adding(microseconds: -clockError)), listensUntil), hand)
    }

    // MARK: The world's

    var seed: UInt64 { world.seed }
    /// Others may have jobs of the same store.
    var isShared: Bool { world.isShared }
    var sabotage: Sabotage? { world.sabotage }
    var zones: ZoneDatabase { world.zones }
    var faulty: Bool { world.faulty }
    var auditor: Auditor { world.auditor }
    var executor: SimulatedExecutor { world.executors[world.livesOnMachines ? number : 0] }

    var random: SplitMix64 {
        _read { yield world.random }
        _modify { yield &world.random }
    }

    var ledger: MemoryLedger {
        _read { yield world.ledger }
        _modify { yield &world.ledger }
    }

    var totals: SimulationTotals {
        _read { yield world.totals }
        _modify { yield &world.totals }
    }

    func later(_ delay: Int64, _ action: @escaping () -> Void) { world.later(delay, action) }

    func trace(_ line: @escaping () -> String) {
        let name = name
        world.trace { "\(name): \(line())" }
    }
}
