public import RedisClient

/// What a person may set of the way to RQ.
public struct RQConfiguration: Sendable {
    public var redis: RedisConfiguration
    /// Stands before every queue's name, with a colon between: Frappe's bench id. Empty for none.
    public var queuePrefix = ""
    /// Tells this daemon's marks on the server from another's; legal in a key.
    public var identity: String
    /// Microseconds between two looks at the registries while runs are out.
    public var interval: Int64 = 200_000
    /// Jobs enqueued by one script: some milliseconds of the server's time.
    public var batch = 500

    public init(redis: RedisConfiguration, identity: String) {
        self.redis = redis
        self.identity = identity
    }

    /// Describes an error as people read it, with the address once.
    public func describe(_ error: RedisError) -> String {
        let address = redis.address
        return "Redis at " + (error.message.hasPrefix(address) ? error.message : "\(address): \(error.message)")
    }

    /// Answers the name workers know a queue by.
    func queue(_ name: String) -> String {
        queuePrefix.isEmpty ? name : queuePrefix + (queuePrefix.hasSuffix(":") ? "" : ":") + name
    }
}
