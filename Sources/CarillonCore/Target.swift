/// Where and what a run executes.
public enum Target: Hashable, Sendable, Codable {
    case exec(ExecTarget)
    case rq(RQTarget)
    case frappe(FrappeTarget)
    /// One of the store that this build does not know, as it stands there; nothing runs it.
    case unreadable(String)

    /// One word per way of execution; a dispatcher serves one kind.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        case exec, rq, frappe, unreadable

        /// Its runs are processes of this machine, which a stop of the daemon may end; the others have a life elsewhere.
        public var isChild: Bool { self == .exec }

        /// By its place: the compiler would hash the word.
        public func hash(into hasher: inout Hasher) { hasher.combine(isChild) }
    }

    public var kind: Kind {
        switch self {
        case .exec: .exec
        case .rq: .rq
        case .frappe: .frappe
        case .unreadable: .unreadable
        }
    }

    /// What a person reads in one line.
    public var summary: String {
        switch self {
        case .exec(let target): target.summary
        case .rq(let target): target.summary
        case .frappe(let target): target.summary
        case .unreadable: "a target that this build cannot read"
        }
    }

    /// `skip` for programs, `allow` for whatever has a queue of its own.
    public var defaultOverlap: Overlap {
        switch self {
        case .exec: .skip
        case .rq, .frappe, .unreadable: .allow
        }
    }
}
