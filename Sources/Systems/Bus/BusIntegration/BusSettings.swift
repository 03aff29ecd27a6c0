package import BusDispatcher
package import CarillonConfiguration
package import CarillonCore
import CarillonDaemon

#if RabbitMQ
    import AMQPClient
#endif
#if RabbitMQ
    import RabbitMQBus
#endif

/// `[bus]`: the broker over which workers get their runs.
package struct BusSettings: SettingsSection {
    package var url = "amqp://127.0.0.1:5672/"
    package var user: String?
    package var password: String?
    package var caFile: String?
    package var certificateFile: String?
    package var keyFile: String?
    package var verifies = true

    package init() {}

    package static func read(_ settings: inout SettingsTable) -> BusSettings? {
        settings.table.table("bus") { BusSettings(&$0) } ?? BusSettings()
    }

    private init(_ table: inout ConfigTable) {
        url = table.string("url") ?? url
        if !["amqp://", "amqps://"].contains(where: url.hasPrefix) {
            // The address may hold a password, so it is not repeated.
            table.complain("url", "expected amqp://USER@HOST:PORT/VHOST, or amqps:// for TLS")
        }
        user = table.string("user")
        password = table.secret("password")
        caFile = table.string("ca_file")
        certificateFile = table.string("certificate_file")
        keyFile = table.string("key_file")
        verifies = table.bool("verify") ?? true
        let tlsKeys = ["ca_file", "certificate_file", "key_file", "verify"].filter { table.has($0) }
        if let key = tlsKeys.first, !url.hasPrefix("amqps://") {
            table.complain(key, "belongs to TLS: the address must begin with amqps://")
        }
        if (certificateFile == nil) != (keyFile == nil) {
            table.complain(keyFile == nil ? "certificate_file" : "key_file", "a certificate and its key go together")
        }
    }

    /// Makes the bus that this names, which knows its mark again by this name. Throws `Failure` for an unreadable address, and where this build has
    /// no such bus.
    package func bus(_ clock: any EngineClock, mark: String) throws -> any MessageBus {
        #if RabbitMQ
            do throws(AMQPError) {
                var configuration = try AMQPConfiguration(url: url)
                if let user { configuration.user = user }
                if let password { configuration.password = password }
                if configuration.tls != nil {
                    configuration.tls = .init(
                        caFile: caFile, certificateFile: certificateFile, keyFile: keyFile, verifies: verifies)
                }
                return RabbitMQBus(configuration, clock: clock, mark: "scheduler.job.carillon-mark.\(mark)")
            } catch {
                throw Failure.input("bus.url: \(error.message)")
            }
        #else
            throw Failure.input("bus: this build knows no RabbitMQ; it was made without the trait RabbitMQ")
        #endif
    }
}
