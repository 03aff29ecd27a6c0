public import Timetable

/// What orders have laid upon a job, whatever its feed says; it lasts until another order lifts it.
public struct Standing: Hashable, Sendable, Codable {
    /// Why a job that its definition enables does not run.
    public enum Off: Hashable, Sendable, Codable {
        case disabled
        /// A run failed with this error, and by `OnFailure.halt` somebody is to look first.
        case halted(String)
        /// Its feed still has the definition with this digest; another one brings the job back.
        case deleted(UInt64)
    }

    /// Which operation on many jobs laid what stands, so that it can be undone.
    public struct Mark: Hashable, Sendable, Codable {
        /// Its id.
        public var operation: String
        /// What stood before it.
        public var before: Off?
        /// Whether it switched the definition itself on.
        public var switched: Bool

        public init(operation: String, before: Off?, switched: Bool = false) {
            self.operation = operation
            self.before = before
            self.switched = switched
        }
    }

    public var off: Off?
    /// An interval was restarted, and counts from here.
    public var anchor: Timestamp?
    /// Its feed, if it keeps such orders itself, does not have this one yet.
    public var isOwed: Bool
    /// Nil where an order to this one job laid it.
    public var mark: Mark?
    /// Scheduled times that are not to run, the earliest first. Those that are past go with the next such order.
    public var skipping: [Timestamp]

    /// Times that one job may be ordered to skip at once.
    public static let mostSkipping = 100

    public init(
        off: Off? = nil, anchor: Timestamp? = nil, isOwed: Bool = false, mark: Mark? = nil, skipping: [Timestamp] = []
    ) {
        self.skipping = skipping
        self.off = off
        self.anchor = anchor
        self.isOwed = isOwed
        self.mark = mark
    }

    /// Decodes; what an older release did not write has its default.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            off: try fields.decodeIfPresent(Off.self, forKey: .off),
            anchor: try fields.decodeIfPresent(Timestamp.self, forKey: .anchor),
            isOwed: try fields.decodeIfPresent(Bool.self, forKey: .isOwed) ?? false,
            mark: try fields.decodeIfPresent(Mark.self, forKey: .mark),
            skipping: try fields.decodeIfPresent([Timestamp].self, forKey: .skipping) ?? [])
    }

    /// Encodes; where no time is to be skipped as releases did that knew of none, since digests are of these texts.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encodeIfPresent(off, forKey: .off)
        try fields.encodeIfPresent(anchor, forKey: .anchor)
        try fields.encode(isOwed, forKey: .isOwed)
        try fields.encodeIfPresent(mark, forKey: .mark)
        if !skipping.isEmpty { try fields.encode(skipping, forKey: .skipping) }
    }

    private enum CodingKeys: CodingKey { case off, anchor, isOwed, mark, skipping }
}

extension Standing.Off {
    /// What a person reads.
    public var words: String {
        switch self {
        case .disabled: "disabled by an order"
        case .halted(let error): "halted after a failure: \(error)"
        case .deleted: "deleted by an order"
        }
    }

    /// Why its times are skipped.
    public var reason: SkipReason {
        if case .halted = self { .halted } else { .disabled }
    }
}

extension Standing {
    /// What stands once the definition is another one: that brings back a job that was deleted.
    public var afterChange: Standing {
        if case .deleted? = off, !isOwed { return Standing(anchor: anchor, skipping: skipping) }
        var after = self
        // Whoever gave the definition anew has said whether it is on.
        if mark?.switched == true { after.mark = nil }
        return after
    }
}

extension Job {
    /// Whether its schedule counts.
    public var isOn: Bool { enabled && standing?.off == nil }

    /// Puts this definition, come back after its feed had removed it, under what orders had laid upon it by then.
    ///
    /// A file may be away while a package is replaced; nobody meant to switch on again what somebody had switched off.
    public func returned(_ feed: String, under before: Standing?) -> Job {
        guard standing == nil, feed == origin.feed, origin.feed != Origin.orders.feed, let off = before?.off else {
            return self
        }
        if case .deleted(let definition) = off, definition != digest() { return self }
        var job = self
        job.standing = Standing(off: off)
        return job
    }

    /// Puts this definition, newly come from its owner, under what stands already.
    ///
    /// A feed that keeps orders itself tells what stands, but for an order that it does not have yet.
    public func under(_ before: Standing?) -> Job {
        var job = self
        if let before, before.isOwed || standing == nil {
            job.standing = before
        } else {
            job.standing?.anchor = before?.anchor
            job.standing?.skipping = before?.skipping ?? []
            if let before, before.off == job.standing?.off { job.standing?.mark = before.mark }
        }
        if job.standing == Standing() { job.standing = nil }
        if let anchor = job.standing?.anchor, case .every(let text, _) = schedule.rule {
            job.schedule.rule = .every(text, anchor: anchor)
        }
        return job
    }
}
