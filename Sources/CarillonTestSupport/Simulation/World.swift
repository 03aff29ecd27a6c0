import CarillonCore
import CarillonEngine
import MemoryStore
public import Timetable

/// Decisions of one daemon or of several, a store, an executor and clocks, driven through years by a seed alone.
public final class World {
    public let seed: UInt64
    let sabotage: Sabotage?
    let zones: ZoneDatabase
    var random: SplitMix64
    var clock: WorldClock
    /// The ledger, or what stands in the documents: then it is only looked at.
    var ledger: MemoryLedger
    let calls = CallRunner()
    let isOnDocuments: Bool
    #if MongoDB
        private(set) lazy var documents: DocumentLedger? = isOnDocuments ? DocumentLedger(self) : nil
    #endif
    private(set) lazy var store = LedgerStore(self)
    /// Whether instances share, be there one alone.
    let isShared: Bool
    var totals = SimulationTotals()
    private(set) var failure: SimulationFailure?
    private var agenda = Agenda()
    private var traced = Trace()
    private(set) var instances: [SimulatedInstance] = []

    // What goes wrong.
    var faulty = true
    var storeDownUntil: Int64 = 0
    var names = 0

    private(set) lazy var auditor = Auditor(self)
    /// One that all hand over to, or one on each machine.
    private(set) lazy var executors: [SimulatedExecutor] =
        livesOnMachines ? instances.map { SimulatedExecutor(self, on: $0) } : [SimulatedExecutor(self)]
    /// What runs lives on the machine it was handed over on, as programs do.
    let livesOnMachines: Bool

    static let start = Timestamp(seconds: 1_767_225_600)
    static let year = 365 * JobMaker.day
    /// What instances that share have: nobody beats each second for years here.
    static let lease = 8 * JobMaker.hour
    static let beat = lease / 4
    /// How long a machine may be away before nobody waits for what runs there.
    static let lostAfter = lease / 4
    /// Shards that are looked at; the numbers of all jobs are among them.
    static let shards = 64

    init(
        seed: UInt64, instances count: Int = 1, onDocuments: Bool = false, sabotage: Sabotage? = nil,
        zones: ZoneDatabase
    ) {
        self.seed = seed
        self.sabotage = sabotage
        self.zones = zones
        random = SplitMix64(seed: seed)
        clock = WorldClock(start: Self.start)
        ledger = MemoryLedger(storeID: seed)
        isOnDocuments = onDocuments
        isShared = count > 1 || onDocuments
        livesOnMachines = isShared && seed % 2 == 0
        instances = (0..<count).map { SimulatedInstance(self, number: $0) }
    }

    /// Lives through years with one seed, on a ledger in memory or on documents; throws the first broken promise.
    public static func run(
        seed: UInt64, years: Int = 10, instances: Int = 1, onDocuments: Bool = false, sabotage: Sabotage? = nil,
        zones: ZoneDatabase
    ) throws(SimulationFailure) -> SimulationTotals {
        let world = World(
            seed: seed, instances: instances, onDocuments: onDocuments, sabotage: sabotage, zones: zones)
        defer { world.end() }
        for instance in world.instances { instance.boot() }
        for _ in 0..<2 { world.instances[0].addJob() }
        world.planFault()
        // The faults of several come together, and so do the times in which all is well.
        let stretch = world.isShared ? World.year / 4 : World.year
        let stretches = world.isShared ? years * 4 : years
        for number in 1...stretches where world.failure == nil {
            let end = Int64(number) * stretch
            world.live(until: end - 3 * JobMaker.day)
            world.calm()
            world.live(until: end - JobMaker.day / 4)
            world.auditor.checkLiveness()
            if number < stretches { world.faulty = true }
        }
        world.retire()
        world.live(until: Int64(stretches) * stretch + 3 * JobMaker.day)
        if world.failure == nil {
            world.auditor.checkNothingLeft()
            world.auditor.audit()
        }
        if let failure = world.failure { throw failure }
        world.totals.seeds = 1
        world.totals.years = years
        return world.totals
    }

    /// Lets go of what still waits.
    private func end() {
        #if MongoDB
            for instance in instances { instance.documents?.die() }
            documents?.end()
        #endif
    }

    // MARK: Time

    func later(_ delay: Int64, _ action: @escaping () -> Void) { agenda.add(at: clock.uptime + delay, action) }

    /// Goes from event to event.
    private func live(until end: Int64) {
        var ticks = 0
        while failure == nil {
            var wake: (at: Int64, hand: Int)?
            var waking: SimulatedInstance?
            for instance in instances {
                guard let own = instance.wake, own.at < wake?.at ?? .max else { continue }
                (wake, waking) = (own, instance)
            }
            let next = agenda.next
            guard let time = [wake?.at, next].compactMap({ $0 }).min(), time <= end else { break }
            ticks = time > clock.uptime ? 0 : ticks + 1
            expect(ticks < 2_000, .liveness, "time stands still")
            clock.advance(to: time)
            totals.steps += 1
            if let wake, let waking, wake.at <= next ?? .max {
                waking.send(.tick, lane: wake.hand)
                continue
            }
            agenda.take()?()
        }
        clock.advance(to: end)
    }

    // MARK: All is well

    /// Ends faults and puts what they left right, by hand where a hand is needed.
    func calm() {
        trace { "all is well again" }
        faulty = false
        storeDownUntil = 0
        for executor in executors { executor.awayUntil = 0 }
        for instance in instances { instance.calm() }
        if ledger.notes["pause"] != nil { instances[0].pause(nil) }
        if ledger.notes[SimulatedInstance.tagNote] != nil { instances[0].pause(nil, tag: JobMaker.pausedTag) }
        for instance in instances { instance.boot() }
        later(JobMaker.hour) {
            for executor in self.executors { executor.endAll(.failed(Outcome(error: "ended by hand"))) }
        }
        later(JobMaker.day / 24) { self.prune() }
    }

    /// Lets the ledger forget what is older than any step of the clock reaches back.
    private func prune() {
        guard let instance = instances.first(where: { $0.isUp && $0.clockError == 0 }), let term = instance.term else {
            return
        }
        let age = 400 * JobMaker.day
        let now = clock.wall
        auditor.prunes(before: now.adding(microseconds: 1_000_000 - age))
        instance.call { store in
            let retention = Retention(age: age, perJob: .max)
            while try await !store.prune(retention, under: term, now: now, limit: .max).isEmpty {}
        } then: { answer in
            if case .failure(let error) = answer { self.trace { "retention failed: \(error)" } }
        }
    }

    /// Switches off every job that is enabled.
    private func retire() {
        calm()
        let names = ledger.jobs.values.filter { !$0.removed && $0.stored.job.enabled }.map(\.stored.job.name).sorted()
        instances[0].change(names.map { name in (name, { $0.enabled = false }) })
    }

    /// Lets those hear who have what an executor tells of; sometimes somebody else does, and when nobody has it.
    func hear(_ event: DispatchEvent) {
        let knowing = instances.filter { !isShared || $0.state.run(event.attempt.run) != nil }
        for instance in knowing { instance.hear(event) }
        if knowing.isEmpty || instances.count > 1 && random.chance(0.1) { random.pick(instances).hear(event) }
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
