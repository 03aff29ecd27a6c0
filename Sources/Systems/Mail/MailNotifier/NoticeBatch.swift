package import CarillonCore

/// What one mail is to tell: all of it counted, and as much of it kept as a mail can list.
package struct NoticeBatch: Sendable, Codable {
    /// What one job has of one occasion.
    package struct Group: Sendable, Codable {
        package let occasion: MailOccasion
        package let job: String
        package fileprivate(set) var count = 0
        /// The first of them.
        package fileprivate(set) var notices: [Notice] = []
    }

    private struct Key: Hashable, Codable {
        var occasion: MailOccasion
        var job: String
    }

    /// Notices kept of one job and occasion.
    package static let mostOfOneJob = 20
    /// Notices kept of one occasion, and jobs told apart.
    package static let most = 1_000

    /// How many there were, by occasion.
    package private(set) var counts: [MailOccasion: Int] = [:]
    /// In the order in which their first came; jobs beyond the bound are in `counts` alone.
    package private(set) var groups: [Group] = []
    private var places: [Key: Int] = [:]
    private var jobs: [MailOccasion: Int] = [:]
    private var kept: [MailOccasion: Int] = [:]

    package init() {}

    package var isEmpty: Bool { counts.isEmpty }
    package var count: Int { counts.values.reduce(0, +) }

    package mutating func add(_ notice: Notice) {
        counts[notice.occasion, default: 0] += 1
        guard let place = place(of: notice.occasion, notice.job) else { return }
        groups[place].count += 1
        keep(notice, at: place)
    }

    /// Adds what came later.
    package mutating func append(_ later: NoticeBatch) {
        for (occasion, count) in later.counts { counts[occasion, default: 0] += count }
        for group in later.groups {
            guard let place = place(of: group.occasion, group.job) else { continue }
            groups[place].count += group.count
            for notice in group.notices { keep(notice, at: place) }
        }
    }

    private mutating func place(of occasion: MailOccasion, _ job: String) -> Int? {
        let key = Key(occasion: occasion, job: job)
        if let place = places[key] { return place }
        guard jobs[occasion, default: 0] < Self.most else { return nil }
        jobs[occasion, default: 0] += 1
        places[key] = groups.count
        groups.append(Group(occasion: occasion, job: job))
        return groups.count - 1
    }

    private mutating func keep(_ notice: Notice, at place: Int) {
        let occasion = notice.occasion
        guard groups[place].notices.count < Self.mostOfOneJob, kept[occasion, default: 0] < Self.most else { return }
        kept[occasion, default: 0] += 1
        groups[place].notices.append(notice.shortened)
    }
}

extension Notice {
    /// Without what no mail shows, so that a thousand have their bounds.
    fileprivate var shortened: Notice {
        guard case .failed(var run) = self else { return self }
        run.earlier = []
        run.outcome.error = run.outcome.error.map { String($0.prefix(2_000)) }
        run.outcome.outputTail = run.outcome.outputTail.map { String($0.suffix(4_000)) }
        return .failed(run)
    }
}
