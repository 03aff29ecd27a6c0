#if Postgres
    public import CarillonCore
    import PostgresClient

    /// `postgres://user@host/database`, with the parameters of libpq.
    public enum PostgresDriver: StoreDriver {
        public static let form = "postgres://USER@HOST/DATABASE"

        public static let isRemote = true

        public static func canOpen(_ url: String) -> Bool {
            url.hasPrefix("postgres://") || url.hasPrefix("postgresql://")
        }

        public static func flaw(of address: StoreAddress) -> String? {
            do {
                _ = try configuration(address)
                return nil
            } catch {
                return error.message
            }
        }

        public static func place(of address: StoreAddress) -> String {
            (try? configuration(address).address).map { "postgres://" + $0 } ?? form
        }

        public static func open(_ address: StoreAddress, state: String) async throws -> any JobStore {
            try await PostgresStore.open(try checked(address))
        }

        public static func look(_ address: StoreAddress, state: String) async throws -> (any JobStore)? {
            try await PostgresStore.look(try checked(address))
        }

        public static func missing(_ address: StoreAddress, state: String) async throws -> [String] {
            try await PostgresStore.missing(try checked(address))
        }

        private static func checked(_ address: StoreAddress) throws -> PostgresConfiguration {
            do {
                return try configuration(address)
            } catch {
                throw StoreError(postgres: error)
            }
        }

        private static func configuration(_ address: StoreAddress) throws(PostgresError) -> PostgresConfiguration {
            var configuration = try PostgresConfiguration(url: address.url)
            configuration.password = address.password ?? configuration.password
            configuration.tls.caFile = address.caFile ?? configuration.tls.caFile
            configuration.tls.certificateFile = address.certificateFile ?? configuration.tls.certificateFile
            configuration.tls.keyFile = address.keyFile ?? configuration.tls.keyFile
            configuration.isPooled = address.isPooled
            return configuration
        }
    }
#endif
