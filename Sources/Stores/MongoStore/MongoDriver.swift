#if MongoDB
    import BlockingConnection
    public import CarillonCore
    import MongoClient

    /// `mongodb://user@host/database`, with the options of MongoDB's connection strings; also `mongodb+srv://`.
    public enum MongoDriver: StoreDriver {
        public static let form = "mongodb://USER@HOST/DATABASE"

        public static let isRemote = true

        /// To be called once in a process that has this store, whether it uses it or not.
        package static func prepareProcess() { Library.leaveNoTrace() }

        public static func canOpen(_ url: String) -> Bool {
            url.hasPrefix("mongodb://") || url.hasPrefix("mongodb+srv://")
        }

        public static func flaw(of address: StoreAddress) -> String? {
            do {
                _ = try configuration(address)
                return nil
            } catch {
                return error.message
            }
        }

        public static func place(of address: StoreAddress) -> String { (try? configuration(address).address) ?? form }

        public static func open(_ address: StoreAddress, state: String) async throws -> any JobStore {
            try await MongoStore.open(try checked(address))
        }

        public static func look(_ address: StoreAddress, state: String) async throws -> (any JobStore)? {
            try await MongoStore.look(try checked(address))
        }

        /// Indexes are made where they are missing; nothing else ever changes the documents that are there.
        public static func missing(_ address: StoreAddress, state: String) async throws -> [String] {
            guard let store = try await MongoStore.look(try checked(address)) else {
                return ["collections and indexes"]
            }
            try await store.close()
            return []
        }

        private static func checked(_ address: StoreAddress) throws -> MongoConfiguration {
            do {
                return try configuration(address)
            } catch {
                throw StoreError(mongo: error)
            }
        }

        private static func configuration(_ address: StoreAddress) throws(MongoError) -> MongoConfiguration {
            var configuration = try MongoConfiguration(url: address.url)
            func bad(_ what: String) -> MongoError {
                MongoError(.badConfiguration, what, server: configuration.address)
            }
            configuration.password = address.password ?? configuration.password
            configuration.caFile = address.caFile
            configuration.certificateFile = address.certificateFile
            if address.password != nil, configuration.user == nil { throw bad("there is a password, and no user") }
            if configuration.database.isEmpty { throw bad("the address names no database") }
            if address.isPooled { throw bad("there is no transaction pooler of MongoDB") }
            if address.keyFile != nil {
                throw bad(
                    "MongoDB wants certificate and key in one file: name it as certificate_file, without key_file")
            }
            return configuration
        }
    }
#endif
