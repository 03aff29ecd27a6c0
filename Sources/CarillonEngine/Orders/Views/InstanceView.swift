import CarillonCore

/// An instance of those that a store knows; `--json` prints it as it stands here.
public struct InstanceView: Hashable, Sendable, Codable {
    /// Whether it plans, or may.
    public enum State: String, Sendable, Codable, CaseIterable {
        case inForce
        /// It has left no sign of life for longer than its lease, and nobody has ended it yet.
        case silent
        /// It is about to end, and hands over what it has.
        case leaving
        /// It has ended, or was ended.
        case gone
    }

    public var name: String
    public var host: String
    /// Of its state directory.
    public var id: String
    /// Of this life of it.
    public var number: Int32
    public var state: State
    /// Its present right to write; none for one that is gone.
    public var term: Int64?
    /// How many shares of the jobs it has, of `Shard.shares`, and how many jobs stand in them.
    public var shares: Int
    public var jobs: Int
    /// What else it has, such as retention.
    public var labels: [String]
    public var silentSeconds: Double?
    public var leaseSeconds: Double
    /// By how much its wall clock is ahead of the store's.
    public var clockErrorSeconds: Double
    public var roles: [String]
    public var build: String

    init(_ record: InstanceRecord, holding shards: [ShardRecord]) {
        let facts = record.facts
        (name, host, id, number) = (facts.name, facts.host, facts.id, record.number.number)
        state =
            if record.term == nil { .gone } else if !record.isHeard { .silent } else {
                facts.isLeaving ? .leaving : .inForce
            }
        term = record.term?.count
        // What one that is gone had last is nobody's.
        let mine = record.term == nil ? [] : shards.filter { $0.holder == record.number }
        shares = mine.count { $0.label == nil }
        jobs = mine.reduce(0) { $0 + $1.jobs }
        labels = mine.compactMap(\.label)
        let seconds = { (microseconds: Int64) in Double(microseconds) / 1_000_000 }
        silentSeconds = record.term == nil ? nil : record.silence.map(seconds)
        leaseSeconds = seconds(facts.lease)
        clockErrorSeconds = seconds(facts.clockError)
        roles = facts.roles.sorted()
        build = facts.build
    }
}

extension QueryService {
    /// Answers who there is, the latest of each identity, and how many jobs nobody plans.
    func instances() async throws -> (views: [InstanceView], orphans: Int) {
        let shards = try await store.shards(counting: true)
        let records = try await store.instances()
        let last = Dictionary(grouping: records, by: \.facts.id).compactMapValues { $0.max { $0.number < $1.number } }
        let inForce = Set(records.filter { $0.term != nil }.map(\.number))
        let orphans = shards.filter { record in record.holder.map { !inForce.contains($0) } ?? true }
        return (
            last.values.sorted { ($0.facts.name, $0.number) < ($1.facts.name, $1.number) }.map {
                InstanceView($0, holding: shards)
            },
            orphans.reduce(0) { $0 + $1.jobs }
        )
    }
}
