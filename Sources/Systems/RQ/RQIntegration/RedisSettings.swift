package import CarillonConfiguration
import CarillonDaemon
package import RQDispatcher
import RedisClient

/// `[redis]`: the Redis of Python RQ's workers.
package struct RedisSettings: SettingsSection {
    package var url = "redis://127.0.0.1:6379/0"
    package var user: String?
    package var password: String?
    package var queuePrefix = ""
    package var caFile: String?
    package var certificateFile: String?
    package var keyFile: String?
    package var verifies = true

    package init() {}

    package static func read(_ settings: inout SettingsTable) -> RedisSettings? {
        settings.table.table("redis") { RedisSettings(&$0) } ?? RedisSettings()
    }

    private init(_ table: inout ConfigTable) {
        url = table.string("url") ?? url
        let schemes = ["redis://", "rediss://", "unix://"]
        if !schemes.contains(where: url.hasPrefix) {
            // The address may hold a password, so it is not repeated.
            table.complain("url", "expected redis://HOST:PORT/DB, rediss:// for TLS, or unix:///PATH")
        }
        user = table.string("user")
        password = table.secret("password")
        queuePrefix = table.string("queue_prefix") ?? ""
        caFile = table.string("ca_file")
        certificateFile = table.string("certificate_file")
        keyFile = table.string("key_file")
        verifies = table.bool("verify") ?? true
        let tlsKeys = ["ca_file", "certificate_file", "key_file", "verify"].filter { table.has($0) }
        if let key = tlsKeys.first, !url.hasPrefix("rediss://") {
            table.complain(key, "belongs to TLS: the address must begin with rediss://")
        }
        if (certificateFile == nil) != (keyFile == nil) {
            table.complain(keyFile == nil ? "certificate_file" : "key_file", "a certificate and its key go together")
        }
    }

    /// Makes it for an `identity`, which tells several dispatchers' runs apart. Throws `Failure` for an unreadable
    /// address.
    package func configuration(identity: String) throws -> RQConfiguration {
        do {
            var redis = try RedisConfiguration(url: url)
            if let user { redis.user = user }
            if let password { redis.password = password }
            if redis.tls != nil {
                redis.tls = .init(
                    caFile: caFile, certificateFile: certificateFile, keyFile: keyFile, verify: verifies)
            }
            var configuration = RQConfiguration(redis: redis, identity: identity)
            configuration.queuePrefix = queuePrefix
            return configuration
        } catch {
            throw Failure.input("redis.url: \(error.message)")
        }
    }
}
