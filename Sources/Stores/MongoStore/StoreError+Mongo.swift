#if MongoDB
    import BlockingConnection
    import CarillonCore
    import MongoClient

    extension StoreError {
        /// Says what an error of MongoDB means to the engine and to a person; no password is in it.
        init(mongo error: any Error) {
            switch error {
            case let known as StoreError: self = known
            case let mismatch as BSONMismatch:
                self.init(.corrupt, "\(mismatch); the database holds something else than this store wrote")
            case let error as MongoError: self.init(error)
            default: self.init(.unreachable, "\(error)")
            }
        }

        private init(_ error: MongoError) {
            switch error.code {
            // OutOfDiskSpace
            case 14031: self.init(.full, "\(error): its disk is full")
            // Unauthorized
            case 13: self.init(.refused, "\(error): the user of store.url needs the role readWrite of the database")
            // AuthenticationFailed
            case 18: self.init(.refused, "\(error): see the user and the password of store.url")
            default:
                switch error.kind {
                case .refused, .badConfiguration, .statement, .duplicate: self.init(.refused, "\(error)")
                case .timedOut: self.init(.busy, "\(error): the server took too long")
                default: self.init(.unreachable, "\(error)")
                }
            }
        }

        /// The term is not in force any more.
        static func lost(_ term: Term) -> StoreError {
            StoreError(.leaseLost, "another daemon took over: term \(term.count) is not in force any more")
        }
    }
#endif
