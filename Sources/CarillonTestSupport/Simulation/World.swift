import CarillonCore
import CarillonEngine
import MemoryStore
public import Timetable

/// A daemon's decisions, a store, an executor and two clocks, driven through years by a seed alone.
public final class World {
    public let seed: UInt64
    let sabotage: Sabotage?
    let zones: ZoneDatabase
    var random: SplitMix64
    var clock: WorldClock
    var ledger: MemoryLedger
    var totals = SimulationTotals()
    private(set) var failure: SimulationFailure?
    private var agenda = Agenda()
    private var traced = Trace()

    // The daemon: gone after a crash, but for what the ledger and the executor keep.
    var state: EngineState
    var lanes: [Lane] = []
    var outbox: [OutboxItem] = []
    var outboxStart = 0
    var watch: ClockWatch
    var term: Term
    var mustRewind = false
    /// Counts daemons; what one asked for is not answered to the next.
    var life = 0
    var isUp = false
    /// The runs of earlier daemons have been taken up.
    var isReady = false

    // What goes wrong.
    var faulty = true
    var storeDownUntil: Int64 = 0
    var crashSoon = false
    var ambush: (() -> Void)?
    /// Nothing of the daemon goes on before this, in elapsed time; the rest of the world does.
    var frozenUntil: Int64 = 0
    var isFrozen: Bool { clock.uptime < frozenUntil }
    /// What came to the frozen daemon, in that order.
    var thawing: [() -> Void] = []
    /// The daemon hears what happened before it looks what is due.
    var listensUntil: Int64 = 0
    var boots = 0
    var names = 0

    private(set) lazy var auditor = Auditor(self)
    private(set) lazy var executor = SimulatedExecutor(self)

    static let start = Timestamp(seconds: 1_767_225_600)
    static let year = 365 * JobMaker.day

    init(seed: UInt64, sabotage: Sabotage? = nil, zones: ZoneDatabase) {
        self.seed = seed
        self.sabotage = sabotage
        self.zones = zones
        random = SplitMix64(seed: seed)
        clock = WorldClock(start: Self.start)
        ledger = MemoryLedger(storeID: seed)
        term = ledger.join("daemon")
        state = EngineState(storeID: seed, instance: "daemon", cursors: [], now: Self.start)
        watch = ClockWatch(now: Self.start, uptime: 0)
    }

    /// Lives through years with one seed; throws the first broken promise.
    public static func run(
        seed: UInt64, years: Int = 10, sabotage: Sabotage? = nil, zones: ZoneDatabase
    ) throws(SimulationFailure) -> SimulationTotals {
        let world = World(seed: seed, sabotage: sabotage, zones: zones)
        world.boot()
        for _ in 0..<2 { world.addJob() }
        world.planFault()
        for year in 1...years where world.failure == nil {
            world.live(until: Int64(year) * World.year - 3 * JobMaker.day)
            world.calm()
            world.live(until: Int64(year) * World.year - JobMaker.day / 4)
            world.auditor.checkLiveness()
            if year < years { world.faulty = true }
        }
        world.retire()
        world.live(until: Int64(years) * World.year + 3 * JobMaker.day)
        if world.failure == nil {
            world.auditor.checkNothingLeft()
            world.auditor.audit()
        }
        if let failure = world.failure { throw failure }
        world.totals.seeds = 1
        world.totals.years = years
        return world.totals
    }

    // MARK: Time

    func later(_ delay: Int64, _ action: @escaping () -> Void) { agenda.add(at: clock.uptime + delay, action) }

    /// Goes from event to event.
    private func live(until end: Int64) {
        var ticks = 0
        while failure == nil {
            let hand =
                isUp && !isFrozen
                ? [Lane.tick, Lane.other].first { lanes[$0].isIdle && (isReady || $0 == Lane.tick) } : nil
            let wake = hand == nil ? nil : state.nextWake.map { max(clock.uptime(at: $0), listensUntil) }
            let next = agenda.next
            guard let time = [wake, next].compactMap({ $0 }).min(), time <= end else { break }
            ticks = time > clock.uptime ? 0 : ticks + 1
            expect(ticks < 2_000, .liveness, "time stands still")
            clock.advance(to: time)
            totals.steps += 1
            if let hand, let wake, wake <= next ?? .max {
                send(.tick, lane: hand)
                continue
            }
            agenda.take()?()
        }
        clock.advance(to: end)
    }

    // MARK: Telling

    func trace(_ line: @escaping () -> String) {
        let (wall, uptime) = (clock.wall, clock.uptime)
        traced.add { "\(wall) +\(uptime / 1_000)ms \(line())" }
    }

    func fail(_ promise: Promise, _ message: String) {
        guard failure == nil else { return }
        failure = SimulationFailure(
            seed: seed, step: totals.steps, promise: promise, message: message, trace: traced.lines)
    }

    func expect(_ holds: Bool, _ promise: Promise, _ message: @autoclosure () -> String) {
        if !holds { fail(promise, message()) }
    }
}
