public import Timetable

/// What somebody had Carillon do, and what came of it. Nothing in it is a secret.
public struct AuditEntry: Hashable, Sendable, Codable {
    public var at: Timestamp
    /// Who: a user of this machine, where the channel knows.
    public var user: String?
    /// Over what the order came.
    public var channel: String
    /// From where: an address, where the channel knows.
    public var from: String?
    /// One word for what was to be done.
    public var action: String
    /// The job or the run, the feed; nil for what concerns all.
    public var subject: String?
    /// What was there, and what is, where it can be said.
    public var before: String?
    public var after: String?
    /// Why it was not done; nil when it was.
    public var error: String?

    public init(
        at: Timestamp, user: String?, channel: String, from: String? = nil, action: String, subject: String? = nil,
        before: String? = nil, after: String? = nil, error: String? = nil
    ) {
        self.at = at
        self.user = user
        self.channel = channel
        self.from = from
        self.action = action
        self.subject = subject
        self.before = before
        self.after = after
        self.error = error
    }
}

/// Which of them a person wants to see, newest first.
public struct AuditQuery: Hashable, Sendable, Codable {
    public var subject: String?
    public var user: String?
    public var action: String?
    /// At or after.
    public var since: Timestamp?
    /// At or before.
    public var until: Timestamp?
    public var limit: Int

    public init(
        subject: String? = nil, user: String? = nil, action: String? = nil, since: Timestamp? = nil,
        until: Timestamp? = nil, limit: Int = 50
    ) {
        self.subject = subject
        self.user = user
        self.action = action
        self.since = since
        self.until = until
        self.limit = limit
    }
}
