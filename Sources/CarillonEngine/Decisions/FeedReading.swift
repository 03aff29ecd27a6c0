import CarillonCore

/// One reading of a feed, held against what the store has of it: what is to be written, and what is gone.
struct FeedReading {
    /// A name by its bytes, as stores keep it: Swift calls some texts equal that are not the same.
    private struct Spelling: Hashable {
        let name: String

        static func == (a: Spelling, b: Spelling) -> Bool { a.name.utf8.elementsEqual(b.name.utf8) }

        func hash(into hasher: inout Hasher) {
            for byte in name.utf8 { hasher.combine(byte) }
        }
    }

    let scope: FeedChange
    let known: [StoredJobDigest]
    private let places: [Spelling: Int]
    private var isFound: [Bool]
    private var new: Set<Spelling> = []
    /// How many jobs each source has now.
    private var counts: [String: Int] = [:]
    /// What the feed says of itself.
    private(set) var problems: [ConfigProblem] = []
    /// Names that are somebody else's already.
    private(set) var clashes: [ConfigProblem] = []

    /// Begins a reading; `known` are the jobs the store has of the feed, as far as the reading is about them.
    init(_ scope: FeedChange, known: [StoredJobDigest]) {
        self.scope = scope
        self.known = known
        isFound = Array(repeating: false, count: known.count)
        places = Dictionary(zip(known.map { Spelling(name: $0.name) }, known.indices), uniquingKeysWith: { $1 })
    }

    /// Jobs of the feed, those included that will only be written.
    var count: Int { isFound.count { $0 } + new.count }

    /// Takes a part of what the feed has, and calls `use` for each job of it with what the store has under its name.
    mutating func take(_ part: FeedSnapshot, _ use: (Job, StoredJobDigest?) -> Void) {
        problems += part.problems
        if !part.unchanged.isEmpty {
            for (place, job) in known.enumerated() where part.unchanged.contains(job.source) {
                isFound[place] = true
                counts[job.source, default: 0] += 1
            }
        }
        for job in part.jobs {
            let name = Spelling(name: job.name)
            let place = places[name]
            guard place.map({ !isFound[$0] }) ?? new.insert(name).inserted else {
                clash(ConfigProblem(source: job.origin.source, job: job.name, message: "two jobs have this name"))
                continue
            }
            if let place { isFound[place] = true }
            counts[job.origin.source, default: 0] += 1
            use(job, place.map { known[$0] })
        }
    }

    mutating func clash(_ problem: ConfigProblem) { clashes.append(problem) }

    /// Finds jobs the store has and the feed has not: broken ones, which stay as they are, and those that are gone.
    func missing() -> (kept: [StoredJobDigest], gone: [StoredJobDigest]) {
        let brokenJobs = Set(problems.compactMap(\.job))
        let brokenSources = Set(problems.filter { $0.job == nil }.map(\.source))
        var kept: [StoredJobDigest] = []
        var gone: [StoredJobDigest] = []
        for (place, job) in known.enumerated() where !isFound[place] {
            if brokenJobs.contains(job.name) || brokenSources.contains(job.source) {
                kept.append(job)
            } else {
                gone.append(job)
            }
        }
        return (kept, gone)
    }

    /// Finds sources away or empty, or with less than half of at least `size` jobs left; with how many are gone.
    func losses(among gone: [StoredJobDigest], from size: Int) -> [String: (gone: Int, of: Int)] {
        let lost = Dictionary(grouping: gone, by: \.source)
        let before = Dictionary(grouping: known.lazy.filter { lost[$0.source] != nil }, by: \.source)
        var losses: [String: (gone: Int, of: Int)] = [:]
        for (source, gone) in lost {
            let (had, has) = (before[source]?.count ?? 0, counts[source] ?? 0)
            if has == 0 || had >= size && has * 2 < had { losses[source] = (gone.count, had) }
        }
        return losses
    }
}
