/// A share of the jobs that one instance holds, is given and gives as a whole.
public struct Shard: Hashable, Comparable, Sendable, Codable {
    /// Into how many shares the jobs fall.
    public static let shares = 4_096

    /// From 0 below `shares`: jobs by their numbers. From there on: what stands under a label, of which there is one.
    public var number: Int16

    public init(_ number: Int16) { self.number = number }

    /// Makes the share of a job that stands under no label.
    ///
    /// A store gives jobs their numbers one after another, so that shares fill evenly.
    public init(of job: JobID) { number = Int16(job.number % Int32(Self.shares)) }

    public static func < (a: Shard, b: Shard) -> Bool { a.number < b.number }

    /// Every share, in order.
    public static var all: [Shard] { (0..<Int16(shares)).map { Shard($0) } }
}

/// Where a job stands by its definition.
public enum Place: Hashable, Sendable {
    /// In the share of its number: with any instance.
    case share
    /// With the instances of a machine.
    case host(String)

    public init(of policies: Policies) { self = policies.host.map { .host($0) } ?? .share }

    /// What the shard is called; nil for a share.
    public var label: String? { if case .host(let name) = self { Self.label(ofHost: name) } else { nil } }

    /// What the shard of a machine's jobs is called.
    public static func label(ofHost name: String) -> String { hosts + name }

    /// What all of these begin with.
    public static let hosts = "host:"
}

extension StoredJob {
    public var shard: Shard { pinned ?? Shard(of: id) }
}

extension ShardRecord {
    /// Whether it is one of jobs: a share, or that of a machine.
    public var mayHaveJobs: Bool { label?.hasPrefix(Place.hosts) ?? true }
}

/// One life of an instance in a store: a number that was ended never comes back.
public struct InstanceNumber: Hashable, Comparable, Sendable, Codable {
    public var number: Int32

    public init(_ number: Int32) { self.number = number }

    public static func < (a: InstanceNumber, b: InstanceNumber) -> Bool { a.number < b.number }
}
